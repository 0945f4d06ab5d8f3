"""The life of an account: it is made, shown, changed, left, suspended, brought back and erased."""

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from typing import Any

from crypto.ids import new_id
from handlers.users.events import AudienceChanged, UserDeleted, UserErased, UserRestored, UserSuspended, UserUpdated
from handlers.users.models import AboutUser, Account, Area, Location, Me, Profile, ProfileChange, Updated, UserCard
from handlers.users.names import normal_email
from handlers.users.privacy import OwnPrivacy, PresenceAudience, PresenceChoice, Privacy, PrivacyChange
from handlers.users.service.discovery import Discovery
from handlers.users.service.errors import BadField, NoSuchUser
from handlers.users.service.ports import Relations, Sessions, Transact
from handlers.users.service.reports import Reports
from handlers.users.store import UserStore
from handlers.users.views import card_of, me_of, profile_of
from server.actors import Actor, Role
from server.clock import Clock
from server.events import Nobody, Publisher
from server.events import Users as ToUsers

GRACE = timedelta(days=30)
"""How long an account that was deleted can come back."""
SEEN_EVERY = timedelta(minutes=1)
ERASE_AT_ONCE = 200


class Users:
    """The accounts of this server."""

    def __init__(
        self,
        store: UserStore,
        *,
        discovery: Discovery,
        reports: Reports,
        publish: Publisher,
        clock: Clock,
        transact: Transact,
        relations: Callable[[], Relations],
        sessions: Callable[[], Sessions],
    ) -> None:
        self._store = store
        self._publish = publish
        self._clock = clock
        self._transact = transact
        self._relations = relations
        self._sessions = sessions
        self.discovery = discovery
        self.reports = reports

    # For other slices

    async def draft(
        self,
        *,
        username: str,
        email: str,
        display_name: str,
        phone: str | None = None,
        location: Location | None = None,
    ) -> Account:
        """A new account of checked fields, not stored yet. Call it outside any unit of work: it takes a number."""
        now = self._clock.now()
        return Account(
            id=new_id(),
            nid=await self._store.next_number(),
            username=username,
            email=email,
            phone=phone,
            display_name=display_name,
            location=location,
            created_at=now,
            updated_at=now,
            last_active_at=now,
            terms_accepted_at=now,
        )

    async def create(self, account: Account) -> None:
        """Store a draft, in the caller's unit of work. Raises Taken (`field` is username or email)."""
        await self._store.add(account)

    async def account(self, user_id: str) -> Account | None:
        """The account of that id whatever its status, for slices that decide by it. Never show it."""
        return await self._store.get(user_id)

    async def by_email(self, email: str) -> Account | None:
        """The account of that address, however it is written."""
        try:
            normal = normal_email(email)
        except ValueError:
            normal = email.lower()
        return await self._store.by_email(normal)

    async def by_username(self, username: str) -> Account | None:
        """The account of that username, in capitals or not."""
        return await self._store.by_username(username.lower())

    async def cards(self, ids: Collection[str]) -> dict[str, UserCard]:
        """The cards of people; whoever is gone or about to go is missing from the answer. At most 1,000 ids."""
        return await self._store.cards(ids)

    def card(self, account: Account) -> UserCard:
        """The card of an account."""
        return card_of(account)

    async def existing(self, ids: Collection[str]) -> set[str]:
        """Which of the ids (at most 1,000) are active accounts."""
        return await self._store.existing(ids)

    async def privacy_of(self, ids: Collection[str]) -> dict[str, Privacy]:
        """The privacy settings of those ids (at most 1,000) that are active accounts."""
        return await self._store.privacy_of(ids)

    async def presence_choices(self, ids: Collection[str], toward: str) -> dict[str, PresenceChoice]:
        """What each of those ids (at most 1,000) that are active accounts lets one other person see of his presence.

        For the social slice, which knows the rest: everybody else asks there who may see whom.
        """
        return await self._store.presence_choices(ids, toward)

    async def presence_audience(self, user_id: str) -> PresenceAudience | None:
        """Whom an active account lets see when its owner is online; None for no active account."""
        return await self._store.presence_audience(user_id)

    async def areas_of(self, ids: Collection[str]) -> dict[str, Area]:
        """City, region and country of those of the ids (at most 1,000) who show them to their friends."""
        return await self._store.areas_of(ids)

    async def change_friends(self, user_id: str, by: int) -> None:
        """Count friends up or down, in the caller's unit of work."""
        await self._store.change_friends(user_id, by)

    async def seen(self, ids: Collection[str]) -> None:
        """These people (at most 1,000) are active now. Written down once a minute at most."""
        await self._store.seen(ids, self._clock.now(), at_most_every=SEEN_EVERY)

    async def email_verified(self, user_id: str, email: str) -> bool:
        """The person proved to own the address. False when it is not the account's address any more."""
        if not await self._store.verify_email(user_id, email, self._clock.now()):
            return False
        await self._tell_verified(user_id, ["emailVerifiedAt"])
        return True

    async def change_email(self, user_id: str, email: str) -> Account:
        """The account gets another address, which is proved; the account as it was, in the caller's unit of work.

        Raises Taken, NoSuchUser.
        """
        before = await self._store.change_email(user_id, email, self._clock.now())
        if before is None:
            raise NoSuchUser
        await self._tell_verified(user_id, ["email", "emailVerifiedAt"])
        return before

    async def phone_verified(self, user_id: str, phone: str) -> None:
        """The person proved to own the number, which becomes the account's. Raises Taken when another has it."""
        if await self._store.verify_phone(user_id, phone, self._clock.now()):
            await self._tell_verified(user_id, ["phone", "phoneVerifiedAt"])

    async def change_role(self, user_id: str, role: Role) -> None:
        """Make somebody a user, moderator or admin, in the caller's unit. His sessions end: tokens carry the role."""
        if not await self._store.change_role(user_id, role, self._clock.now()):
            raise NoSuchUser
        await self._sessions().end_all(user_id, code="role_changed")

    async def in_office(self, after: str | None, limit: int) -> list[Account]:
        """Moderators and admins whatever their status, in the order of their ids. Never show whole accounts."""
        return await self._store.in_office(after, limit)

    async def has_admin(self, *, but: str) -> bool:
        """Whether somebody else than that one is an active admin."""
        return await self._store.has_admin(but)

    async def suspend(self, user_id: str) -> None:
        """Shut somebody out, in the caller's unit of work. Raises NoSuchUser."""
        if not await self._store.suspend(user_id, self._clock.now()):
            raise NoSuchUser
        await self._sessions().end_all(user_id, code="account_suspended")
        await self._publish(UserSuspended(AboutUser(user_id=user_id), to=Nobody()))

    async def unsuspend(self, user_id: str) -> None:
        """Let somebody in again. Raises NoSuchUser for an account that is not suspended."""
        if not await self._store.come_back(user_id, self._clock.now(), was="suspended"):
            raise NoSuchUser
        await self._publish(UserRestored(AboutUser(user_id=user_id), to=Nobody()))

    async def restore(self, user_id: str) -> bool:
        """Bring an account back that is leaving, in the caller's unit of work. False when it was not leaving."""
        back = await self._store.come_back(user_id, self._clock.now(), was="leaving")
        if back:
            await self._publish(UserRestored(AboutUser(user_id=user_id), to=Nobody()))
        return back

    # For the person

    async def me(self, actor: Actor) -> Me:
        """One's own account."""
        return me_of(await self._own(actor))

    async def change(self, actor: Actor, change: ProfileChange) -> Me:
        """Change one's own profile."""
        if change.birth_date and change.birth_date > self._clock.now().date():
            raise _wrong("birthDate", "must not lie in the future")
        return await self.set_fields(actor, {name: getattr(change, name) for name in change.model_fields_set})

    async def set_fields(self, actor: Actor, values: dict[str, Any]) -> Me:
        """Set checked fields of one's own account, by their Python names, and tell whoever shows them."""
        before = await self._own(actor)
        values = {name: value for name, value in values.items() if getattr(before, name) != value}
        if not values:
            return me_of(before)
        after = await self._store.change(before, values, self._clock.now())
        if after is None:
            raise NoSuchUser
        await self._tell(after, [Account.model_fields[name].alias or name for name in values])
        return me_of(after)

    async def privacy(self, actor: Actor) -> OwnPrivacy:
        """One's own privacy settings."""
        return (await self._own(actor)).privacy

    async def change_privacy(self, actor: Actor, change: PrivacyChange) -> OwnPrivacy:
        """Change one's own privacy settings."""
        values = _settings_of(change)
        if not values:
            return await self.privacy(actor)
        changed = await self._store.change_privacy(actor.user_id, values, self._clock.now())
        if changed is None:
            raise NoSuchUser
        before, after = changed
        await self._tell(after, ["privacy"])
        if before != after.privacy.audience(actor.user_id):
            await self._publish(AudienceChanged(before, to=Nobody()))
        return after.privacy

    async def leave(self, actor: Actor) -> None:
        """Mark one's own account for deletion, in the caller's unit of work: hidden and signed out at once."""
        now = self._clock.now()
        if not await self._store.leave(actor.user_id, now, now + GRACE):
            raise NoSuchUser
        await self._sessions().end_all(actor.user_id, code="session_revoked")
        await self._publish(UserDeleted(AboutUser(user_id=actor.user_id), to=Nobody()))

    async def profile(self, actor: Actor, user_id: str) -> Profile:
        """What one may see of somebody. Raises NoSuchUser, also for a block in either direction."""
        account = await self._store.active(user_id)
        if account is None:
            raise NoSuchUser
        if user_id == actor.user_id or actor.may("user:inspect"):
            return profile_of(account, whole=True, friend=False, shows_activity=True)
        relations = self._relations()
        if await relations.blocked_among(actor.user_id, [user_id]):
            raise NoSuchUser
        friend = bool(await relations.friends_among(actor.user_id, [user_id]))
        visibility = account.privacy.profile_visibility
        whole = visibility == "public" or (visibility == "friends" and friend)
        shows = whole and bool(await relations.online_viewers(user_id, [actor.user_id]))
        return profile_of(account, whole=whole, friend=friend, shows_activity=shows)

    # By the clock

    async def erase_due(self) -> int:
        """Erase the accounts whose grace period is over; how many. Each is a unit of work of its own."""
        erased = 0
        while due := await self._store.due_for_erasure(self._clock.now(), limit=ERASE_AT_ONCE):
            for user_id in due:
                erased += await self._transact(partial(self._erase, user_id))
        return erased

    async def _erase(self, user_id: str) -> bool:
        if not await self._store.erase(user_id, self._clock.now()):
            return False
        await self.reports.forget(user_id)
        await self._store.forget_exceptions(user_id)
        await self._publish(UserErased(AboutUser(user_id=user_id), to=Nobody()))
        return True

    async def _own(self, actor: Actor) -> Account:
        account = await self._store.active(actor.user_id)
        if account is None:
            raise NoSuchUser
        return account

    async def _tell_verified(self, user_id: str, changed: list[str]) -> None:
        account = await self._store.get(user_id)
        if account is not None:
            await self._tell(account, changed)

    async def _tell(self, account: Account, changed: list[str]) -> None:
        payload = Updated(user=card_of(account), changed=sorted(changed))
        await self._publish(UserUpdated(payload, to=ToUsers([account.id])))


def _settings_of(change: PrivacyChange) -> dict[str, Any]:
    """What is to be stored of a change, by the names on the wire."""
    values = change.model_dump(by_alias=True, exclude_none=True)
    level = values.pop("presenceVisibility", None)
    if level is not None:
        # Who hides keeps the level that was, for `showOnlineStatus: true`.
        values |= (
            {"showOnlineStatus": False}
            if level == "nobody"
            else {"showOnlineStatus": True, "presenceVisibility": level}
        )
    for name in ("presenceAlways", "presenceNever"):
        if name in values:
            values[name] = list(dict.fromkeys(values[name]))
    return values


def _wrong(field: str, message: str) -> BadField:
    return BadField(f"The request does not fit: {field}: {message}.", details=[{"field": field, "message": message}])
