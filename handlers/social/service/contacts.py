"""Finding the people of an address book without keeping the address book."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from handlers.social.contacts import Identifier, Pepper, email, phone
from handlers.social.models import MAX_CONTACTS, ContactMatch, Contacts, ContactsSynced, ListMatches, MatchPage, Via
from handlers.social.service.errors import TooManyContacts
from handlers.social.settings import SocialSettings
from handlers.social.store import ContactStore, GraphStore
from handlers.users.models import Account
from handlers.users.service import Users as People
from server.clock import Clock

NEW_FOR = timedelta(days=7)
"""How long an account counts as new, and is given a fifth of the allowance."""
NEW_COSTS = 5

Match = tuple[str, list[Via], datetime]


class ContactBook:
    """Compares identifiers with those of registered people, by keyed hash only."""

    def __init__(
        self,
        *,
        store: ContactStore,
        graph: GraphStore,
        users: People,
        clock: Clock,
        settings: SocialSettings,
    ) -> None:
        self._store = store
        self._graph = graph
        self._users = users
        self._clock = clock
        self._settings = settings
        self._pepper: Pepper | None = None

    async def start(self) -> None:
        """Fetch the pepper, or make one."""
        if self._settings.contact_pepper is not None:
            secret = self._settings.contact_pepper.get_secret_value()
        else:
            secret = await self._store.secret(secrets.token_hex(32))
        self._pepper = Pepper(secret.encode())

    async def sync(self, me: str, body: Contacts) -> ContactsSynced:
        """Compare an address book: who of it is here and lets himself be found. Raises TooManyContacts.

        What belongs to nobody is dropped with the end of this call.
        """
        now = self._clock.now()
        read = [*(phone(text) for text in body.phones), *(email(text) for text in body.emails)]
        wanted = {one for one in read if one is not None}
        await self._spend(me, len(wanted), now)
        owners = await self._store.owners(self._hashes(sorted(wanted, key=lambda one: (one.via, one.value))))
        owners.pop(me, None)
        shown = await self._findable(me, sorted(owners)[:MAX_CONTACTS])
        matched = {user_id: sorted(via) for user_id, via in owners.items() if user_id in shown}
        await self._store.match(me, matched, now=now)
        views = await self._views(me, [(user_id, via, now) for user_id, via in sorted(matched.items())])
        return ContactsSynced(matches=views, unreadable=sum(1 for one in read if one is None))

    async def matches(self, me: str, body: ListMatches) -> MatchPage:
        """A page of the contacts who are here."""
        found = await self._store.matches(me, after=body.cursor, limit=body.limit + 1)
        page = found[: body.limit]
        shown = await self._findable(me, [user_id for user_id, _, _ in page])
        views = await self._views(me, [one for one in page if one[0] in shown])
        return MatchPage(matches=views, next_cursor=page[-1][0] if len(found) > body.limit else None)

    async def matched(self, me: str, *, limit: int) -> list[str]:
        """Ids of contacts who are here."""
        return [user_id for user_id, _, _ in await self._store.matches(me, after=None, limit=limit)]

    async def forget_matches(self, me: str) -> None:
        """Forget whom my address books led to."""
        await self._store.forget_matches(me)

    async def learn(self, user_id: str) -> None:
        """Take note of a person's own identifiers as they are now. Only verified ones: they prove who is found."""
        account = await self._users.account(user_id)
        own = _identifiers(account) if account is not None else []
        hashes = dict(zip([one.via for one in own], self._hashes(own), strict=True))
        await self._store.index(user_id, hashes)

    async def forget(self, user_id: str) -> None:
        """Forget everything about an erased person."""
        await self._store.forget(user_id)

    def _hashes(self, identifiers: Sequence[Identifier]) -> list[str]:
        if self._pepper is None:
            raise RuntimeError("the pepper is fetched when the slice starts")
        return [self._pepper.hash(one) for one in identifiers]

    async def _spend(self, me: str, contacts: int, now: datetime) -> None:
        each = timedelta(days=1) / self._settings.contacts_per_day
        costs = NEW_COSTS if now - _born(me) < NEW_FOR else 1
        missing = await self._store.spend(
            me, each * contacts * costs, room=each * self._settings.contacts_at_once, now=now
        )
        if missing > timedelta():
            raise TooManyContacts(
                "You have compared very many contacts: send only new ones, and the rest later.",
                retry_after_ms=missing // timedelta(milliseconds=1) + 1,
            )

    async def _findable(self, me: str, ids: Sequence[str]) -> set[str]:
        if not ids:
            return set()
        privacy = await self._users.privacy_of(ids)
        return {one for one, choice in privacy.items() if choice.searchable} - await self._graph.blocked_among(me, ids)

    async def _views(self, me: str, matches: Sequence[Match]) -> list[ContactMatch]:
        ids = [user_id for user_id, _, _ in matches]
        cards = await self._users.cards(ids) if ids else {}
        friends = await self._graph.friends_among(me, ids)
        return [
            ContactMatch(user=cards[user_id], via=via, is_friend=user_id in friends, matched_at=at)
            for user_id, via, at in matches
            if user_id in cards
        ]


def _identifiers(account: Account) -> list[Identifier]:
    found = [
        phone(account.phone) if account.phone and account.phone_verified_at else None,
        email(account.email) if account.email_verified_at else None,
    ]
    return [one for one in found if one is not None]


def _born(user_id: str) -> datetime:
    """When an account was made: its id, a UUIDv7, says so in its first 48 bits (RFC 9562)."""
    return datetime.fromtimestamp((UUID(user_id).int >> 80) / 1000, UTC)
