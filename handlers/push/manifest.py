"""What the engine may know of push notifications."""

from datetime import timedelta

from crypto.pushing import EcSigner
from handlers.auth.events import SessionsEnded
from handlers.auth.service import Auth
from handlers.chat.events import (
    ConversationPreferences,
    ConversationRead,
    ConversationRemoved,
    ConversationUnread,
    ConversationUpdated,
    MessageDeleted,
    MessageHidden,
    MessageNew,
)
from handlers.chat.service import Chat
from handlers.notices.events import NoticePushed, NoticeRead
from handlers.notices.service import Notices
from handlers.presence.service import Presence
from handlers.push.events import EVENTS
from handlers.push.models import Platform
from handlers.push.routes import routes
from handlers.push.senders import Apns, Client, Fcm, Sender, WebPush
from handlers.push.service import ERRORS, Push
from handlers.push.settings import PushSettings
from handlers.push.store import (
    MATTER_INDEXES,
    MATTERS,
    NODE_INDEXES,
    NODES,
    TARGET_INDEXES,
    TARGETS,
    MatterStore,
    NodeStore,
    TargetStore,
)
from handlers.social.events import UserBlocked, UserUnblocked
from handlers.social.service import Social
from handlers.users.events import UserErased
from server.clock import Clock
from server.events import Members, Users
from server.slices import Hears, Kit, Personal, Slice, Stored


def _build(kit: Kit) -> Push:
    settings = kit.settings(PushSettings)
    key = EcSigner.of_number(settings.webpush_key.get_secret_value()) if settings.webpush_key else None
    return Push(
        TargetStore(kit.collection(TARGETS)),
        MatterStore(kit.collection(MATTERS)),
        _senders(settings, key, kit.clock),
        vapid=key.public if key else None,
        auth=kit.service(Auth),
        social=kit.service(Social),
        presence=kit.service(Presence),
        chat=kit.service(Chat),
        notices=kit.service(Notices),
        nodes=NodeStore(kit.collection(NODES)),
        node=kit.node,
        clock=kit.clock,
        settings=settings,
    )


def _senders(settings: PushSettings, key: EcSigner | None, clock: Clock) -> dict[Platform, Sender]:
    lasting = timedelta(hours=settings.lasting_hours)
    found: dict[Platform, Sender] = {}
    if key is not None:
        client = Client(settings.ca_file)
        found["webpush"] = WebPush(client, key, clock, contact=settings.webpush_contact, lasting=lasting)
    if settings.apns_key is not None:
        found["apns"] = Apns(
            Client(settings.ca_file),
            EcSigner.of_pem(settings.apns_key.get_secret_value()),
            clock,
            url=settings.apns_url,
            key_id=settings.apns_key_id,
            team=settings.apns_team_id,
            topic=settings.apns_topic,
            lasting=lasting,
        )
    if settings.account is not None:
        found["fcm"] = Fcm(Client(settings.ca_file), settings.account, clock, url=settings.fcm_url, lasting=lasting)
    return found


def _said(push: Push, event: MessageNew) -> None:
    push.said(event)


async def _deleted(push: Push, event: MessageDeleted) -> None:
    if event.payload.deleted_by == "expired":
        await push.expired(event.payload.conversation_id)
    elif isinstance(event.to, Members):
        await push.deleted(event.payload.conversation_id, event.to.ids)


Own = ConversationRead | ConversationUnread | ConversationPreferences | ConversationRemoved | MessageHidden


async def _changed(push: Push, event: Own) -> None:
    for user_id in event.to.ids if isinstance(event.to, Users | Members) else ():
        await push.changed(event.payload.conversation_id, user_id)


async def _updated(push: Push, event: ConversationUpdated) -> None:
    change = event.payload.change
    for user_id in change.user_ids if change.action == "accepted" else ():  # it is no request any more, and counts
        await push.changed(event.payload.conversation_id, user_id)


async def _blocked(push: Push, event: UserBlocked | UserUnblocked) -> None:
    await push.look_at_all(event.payload.blocker_id)


async def _noticed(push: Push, event: NoticePushed) -> None:
    await push.noticed(event.payload)


async def _notices_read(push: Push, event: NoticeRead) -> None:
    for user_id in event.to.ids if isinstance(event.to, Users) else ():
        await push.notices_read(user_id)


async def _ended(push: Push, event: SessionsEnded) -> None:
    await push.ended(event.payload.session_ids)


async def _erased(push: Push, event: UserErased) -> None:
    await push.forget(event.payload.user_id)


manifest = Slice(
    name="push",
    service=Push,
    build=_build,
    needs=("auth", "social", "presence", "chat", "notices"),
    routes=routes,
    events=EVENTS,
    collections=(
        Stored(TARGETS, Personal(("userId",), erase="delete"), TARGET_INDEXES),
        Stored(MATTERS, Personal(("userId",), erase="delete"), MATTER_INDEXES),
        Stored(NODES, None, NODE_INDEXES),
    ),
    settings=PushSettings,
    errors=ERRORS,
    hears=(
        Hears(MessageNew, _said, at_once=True),
        Hears(MessageDeleted, _deleted),
        Hears(MessageHidden, _changed),
        Hears(ConversationRead, _changed),
        Hears(ConversationUnread, _changed),
        Hears(ConversationPreferences, _changed),
        Hears(ConversationRemoved, _changed),
        Hears(ConversationUpdated, _updated),
        Hears(UserBlocked, _blocked),
        Hears(UserUnblocked, _blocked),
        Hears(NoticePushed, _noticed),
        Hears(NoticeRead, _notices_read),
        Hears(SessionsEnded, _ended),
        Hears(UserErased, _erased),
    ),
    start=Push.start,
    stop=Push.stop,
)
