"""What the engine may know of notices."""

from collections.abc import Sequence

from handlers.auth.events import SessionOpened
from handlers.chat.events import ConversationUpdated
from handlers.contacts.events import ContactFound
from handlers.mail.service import Mail
from handlers.notices.events import EVENTS
from handlers.notices.jobs import JOBS
from handlers.notices.models import Happening
from handlers.notices.routes import routes
from handlers.notices.service import ERRORS, DigestPost, Hearing, Notices
from handlers.notices.settings import NoticesSettings
from handlers.notices.store import MAIL, NOTICES, MailStore, NoticeStore, PreferenceStore
from handlers.social.events import FriendAccepted, FriendRequested, UserBlocked
from handlers.social.service import Social
from handlers.users.events import UserErased
from handlers.users.service import Users
from server.events import Users as ToUsers
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored


def _build(kit: Kit) -> Notices:
    settings, users = kit.settings(NoticesSettings), kit.service(Users)
    store, mail = NoticeStore(kit.collection("notices")), MailStore(kit.collection("notice_mail"))
    post = DigestPost(
        mail=mail, notices=store, letters=kit.service(Mail), users=users, clock=kit.clock, settings=settings
    )
    return Notices(
        store=store,
        preferences=PreferenceStore(kit.collection("notice_preferences")),
        mail=mail,
        post=post,
        users=users,
        social=kit.service(Social),
        clock=kit.clock,
        publish=kit.publish,
        transact=kit.mongo.transact,
        settings=settings,
    )


async def _tell(notices: Notices, happenings: Sequence[Happening]) -> None:
    for one in happenings:
        await notices.tell(one)


async def _asked(notices: Notices, event: FriendRequested) -> None:
    await _tell(notices, Hearing.asked(event.id, event.payload))


async def _accepted(notices: Notices, event: FriendAccepted) -> None:
    await _tell(notices, Hearing.accepted(event.id, event.payload))


async def _grouped(notices: Notices, event: ConversationUpdated) -> None:
    await _tell(notices, Hearing.grouped(event.id, event.payload))


async def _joined(notices: Notices, event: ContactFound) -> None:
    await _tell(notices, Hearing.joined(event.id, event.payload))


async def _signed_in(notices: Notices, event: SessionOpened) -> None:
    for user_id in event.to.ids if isinstance(event.to, ToUsers) else ():
        await _tell(notices, Hearing.signed_in(event.id, user_id, event.payload))


async def _blocked(notices: Notices, event: UserBlocked) -> None:
    await notices.part(event.payload.blocker_id, event.payload.blocked_user_id)


async def _erased(notices: Notices, event: UserErased) -> None:
    await notices.forget(event.payload.user_id)


manifest = Slice(
    name="notices",
    service=Notices,
    build=_build,
    needs=("users", "auth", "mail", "social", "contacts", "chat"),
    routes=routes,
    events=EVENTS,
    collections=(
        Stored("notices", Personal(("userId", "actors"), erase="delete"), NOTICES),
        Stored("notice_preferences", Personal(("_id",), erase="delete")),
        Stored("notice_mail", Personal(("_id",), erase="delete"), MAIL),
    ),
    permissions=(
        Permission("notices:read", "See what happened to oneself, and how one is told"),
        Permission("notices:write", "Mark notices as read, and set how one is told"),
    ),
    settings=NoticesSettings,
    errors=ERRORS,
    hears=(
        Hears(FriendRequested, _asked),
        Hears(FriendAccepted, _accepted),
        Hears(ConversationUpdated, _grouped),
        Hears(ContactFound, _joined),
        Hears(SessionOpened, _signed_in),
        Hears(UserBlocked, _blocked),
        Hears(UserErased, _erased),
    ),
    jobs=JOBS,
)
