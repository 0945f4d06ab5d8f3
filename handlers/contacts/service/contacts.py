"""Finding the people of an address book without keeping the address book."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from crypto.ids import new_id
from handlers.contacts.allowance import Bounds, TooMany, charge
from handlers.contacts.identifiers import Identifier, Pepper, email, phone
from handlers.contacts.models import (
    AddressBook,
    ContactMatch,
    ContactsSynced,
    ListMatches,
    MatchPage,
    Sought,
    Tie,
    Via,
)
from handlers.contacts.service.errors import ContactsBusy, TooManyContacts
from handlers.contacts.service.finding import Finding
from handlers.contacts.service.telling import Telling
from handlers.contacts.settings import ContactsSettings
from handlers.contacts.store import AllowanceStore, IndexStore, SecretStore, TieStore
from handlers.users.models import Account
from handlers.users.service import Users
from server.clock import Clock

ATTEMPTS = 5
"""How often a count is tried when other devices of the same person count too."""

OF_IDENTIFIERS = frozenset({"email", "phone", "emailVerifiedAt", "phoneVerifiedAt"})
"""Fields of an account by which a contact is found."""


class Contacts:
    """Compares identifiers with those of registered people, by keyed hash only."""

    def __init__(
        self,
        *,
        index: IndexStore,
        ties: TieStore,
        allowances: AllowanceStore,
        secrets: SecretStore,
        finding: Finding,
        telling: Telling,
        users: Users,
        clock: Clock,
        settings: ContactsSettings,
    ) -> None:
        self._index = index
        self._ties = ties
        self._allowances = allowances
        self._secrets = secrets
        self._finding = finding
        self._telling = telling
        self._users = users
        self._clock = clock
        self._settings = settings
        self._found_pepper: Pepper | None = None

    async def start(self) -> None:
        """Fetch the pepper, or make one."""
        if self._settings.pepper is not None:
            secret = self._settings.pepper.get_secret_value()
        else:
            secret = await self._secrets.secret(secrets.token_hex(32))
        self._found_pepper = Pepper(secret.encode())

    # For the person

    async def sync(self, me: str, body: AddressBook) -> ContactsSynced:
        """Compare an address book: who of it is here and lets himself be found.

        Raises TooManyContacts and ContactsBusy; nothing was compared then.
        """
        started = self._clock.monotonic()
        read, unreadable = await asyncio.to_thread(_read, body)
        await self._spend(me, {self._pepper.tag(me, one) for one in read})
        answer = ContactsSynced(matches=[], unreadable=unreadable)
        if read:
            answer = answer.model_copy(update={"matches": await self._compare(me, read, tell_me=body.tell_me)})
        spent = self._clock.monotonic() - started
        await asyncio.sleep(to_next_step(spent, self._settings.answer_step_ms / 1000))
        return answer

    async def matches(self, me: str, body: ListMatches) -> MatchPage:
        """A page of the contacts who are here and let themselves be found."""
        found = await self._ties.of_owner(me, after=body.cursor, limit=body.limit + 1)
        page = found[: body.limit]
        shown = await self._finding.findable(me, [one.user_id for one in page])
        return MatchPage(
            matches=await self._finding.views(me, [one for one in page if one.user_id in shown]),
            next_cursor=page[-1].user_id if len(found) > body.limit else None,
        )

    async def forget_matches(self, me: str) -> None:
        """Forget where my address books led and whom I wait for. What I compared still counts."""
        await self._ties.forget_owner(me)

    # For other slices

    async def matched(self, user_id: str, *, limit: int) -> list[str]:
        """People of somebody's address books whom he may find."""
        ids = [one.user_id for one in await self._ties.of_owner(user_id, after=None, limit=limit)]
        shown = await self._finding.findable(user_id, ids)
        return [one for one in ids if one in shown]

    async def account_changed(self, user_id: str, changed: Sequence[str]) -> None:
        """An account has other values in the named fields."""
        if OF_IDENTIFIERS & set(changed):
            await self.learn(user_id)
        elif "privacy" in changed:
            await self._telling.shown(user_id)

    async def learn(self, user_id: str) -> None:
        """Take note of a person's own identifiers as they are now. Only verified ones: they prove who is found."""
        account = await self._users.account(user_id)
        own = _identifiers(account) if account is not None else []
        hashes: dict[Via, str] = {one.via: self._pepper.hash(one) for one in own}
        await self._index.put(user_id, hashes)
        await self._telling.joined(user_id, list(hashes.values()))

    async def forget(self, user_id: str) -> None:
        """Forget everything about an erased person."""
        await self._index.forget(user_id)
        await self._ties.forget(user_id)
        await self._allowances.forget(user_id)

    @property
    def _pepper(self) -> Pepper:
        if self._found_pepper is None:
            raise RuntimeError("the pepper is fetched when the slice starts")
        return self._found_pepper

    async def _compare(self, me: str, read: Sequence[Identifier], *, tell_me: bool) -> list[ContactMatch]:
        """The same trips with the same number of keys, whatever is found: ids that are nobody's fill the places."""
        now = self._clock.now()
        hashes = [self._pepper.hash(one) for one in read]
        owners = await self._index.owners(hashes)
        leading = [(hashed, owners.get(hashed)) for hashed in hashes]
        sought = [
            Sought(via=one.via, hash=hashed, user_id=new_id(), known=False)
            if user_id in {None, me}
            else Sought(via=one.via, hash=hashed, user_id=str(user_id), known=True)
            for one, (hashed, user_id) in zip(read, leading, strict=True)
        ]
        shown = await self._finding.findable(me, [one.user_id for one in sought])
        sought = [replace(one, shown=one.user_id in shown) for one in sought]
        until = now + timedelta(days=self._settings.tell_days) if tell_me else None
        await self._ties.note(me, sought, now=now, tell_until=until)
        await self._telling.shown(me)
        return await self._finding.views(me, _ties(me, [one for one in sought if one.shown], now))

    async def _spend(self, me: str, tags: set[int]) -> None:
        now, chosen = self._clock.now(), self._settings
        young = now - _born(me) < timedelta(days=chosen.young_days)
        share = chosen.young_share if young else 1
        bounds = Bounds(chosen.window_days, chosen.distinct // share, max(1, chosen.new_per_day // share))
        until = now + timedelta(days=chosen.window_days)
        for _ in range(ATTEMPTS):
            version, days = await self._allowances.days(me)
            try:
                after = charge(days, tags, now.date().toordinal(), bounds)
            except TooMany as refusal:
                raise _too_many(refusal, now) from refusal
            if await self._allowances.change(me, version, after, until=until):
                return
        raise ContactsBusy("Your other devices compare contacts at this moment: try again.")


def to_next_step(spent: float, step: float) -> float:
    """Seconds from `spent` to the next multiple of `step`; none when there are no steps."""
    return step - spent % step if step else 0.0


def _read(body: AddressBook) -> tuple[list[Identifier], int]:
    """The identifiers of an address book in a fixed order, each once, and how many entries are none."""
    found = [*(phone(text, body.region) for text in body.phones), *(email(text) for text in body.emails)]
    wanted = {one for one in found if one is not None}
    return sorted(wanted, key=lambda one: (one.via, one.value)), sum(1 for one in found if one is None)


def _ties(owner: str, shown: Sequence[Sought], now: datetime) -> list[Tie]:
    via: dict[str, list[Via]] = {}
    for one in shown:
        via.setdefault(one.user_id, []).append(one.via)
    return [Tie(owner, user_id, sorted(by), now) for user_id, by in sorted(via.items())]


def _identifiers(account: Account) -> list[Identifier]:
    found = [
        phone(account.phone) if account.phone and account.phone_verified_at else None,
        email(account.email) if account.email_verified_at else None,
    ]
    return [one for one in found if one is not None]


def _too_many(refusal: TooMany, now: datetime) -> TooManyContacts:
    then = datetime.fromordinal(refusal.on).replace(tzinfo=UTC)
    return TooManyContacts(
        f"You have compared very many contacts: send at most {refusal.room:,} new ones now, and others later.",
        retry_after_ms=max(1, (then - now) // timedelta(milliseconds=1)),
    )


def _born(user_id: str) -> datetime:
    """When an account was made: its id, a UUIDv7, says so in its first 48 bits (RFC 9562)."""
    return datetime.fromtimestamp((UUID(user_id).int >> 80) / 1000, UTC)
