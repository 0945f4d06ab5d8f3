"""Whom somebody may know: friends of friends, contacts, people nearby."""

from collections.abc import Callable

from handlers.social.models import FriendSuggesting, FriendSuggestion, FriendSuggestions, SuggestedBy
from handlers.social.service.ports import AddressBooks
from handlers.social.store import GraphStore
from handlers.users.models import Suggesting
from handlers.users.service import NoSuchUser
from handlers.users.service import Users as People
from server.actors import Actor

POOL = 200
"""People of each source that are looked at."""
NEARBY = 50
ORDER: tuple[SuggestedBy, ...] = ("mutual", "contact_sync", "local", "community")
"""Which source is named when several know the same person."""


class FriendFinder:
    """Ranks people by friends in common, and leaves out everybody with whom there is or was something already."""

    def __init__(self, *, graph: GraphStore, books: Callable[[], AddressBooks], users: People) -> None:
        self._graph = graph
        self._books = books
        self._users = users

    async def suggest(self, actor: Actor, body: FriendSuggesting) -> FriendSuggestions:
        """The best suggestions, those with most friends in common first."""
        me = actor.user_id
        sources: dict[str, SuggestedBy] = {}
        for source in ORDER if body.source is None else (body.source,):
            for user_id in await self._found(actor, source):
                sources.setdefault(user_id, source)
        allowed = await self._allowed(me, sources)
        mutual = await self._graph.mutual_counts(me, allowed)
        ranked = sorted(allowed, key=lambda one: (-mutual.get(one, 0), ORDER.index(sources[one]), one))[: body.limit]
        cards = await self._users.cards(ranked) if ranked else {}
        return FriendSuggestions(
            suggestions=[
                FriendSuggestion(user=cards[one], source=sources[one], mutual_friends=mutual.get(one, 0))
                for one in ranked
                if one in cards
            ]
        )

    async def _found(self, actor: Actor, source: SuggestedBy) -> list[str]:
        if source == "mutual":
            return list(await self._graph.friends_of_friends(actor.user_id, limit=POOL))
        if source == "contact_sync":
            return await self._books().matched(actor.user_id, limit=POOL)
        if source == "local":
            return await self._nearby(actor)
        # Communities are not part of this server yet: nobody is known by them.
        return []

    async def _nearby(self, actor: Actor) -> list[str]:
        try:
            near = await self._users.discovery.suggest(actor, Suggesting(type="local", limit=NEARBY))
        except NoSuchUser:
            # The account of the one who asks is on its way out: it has no neighbours.
            return []
        return [one.id for one in near.users]

    async def _allowed(self, me: str, found: dict[str, SuggestedBy]) -> list[str]:
        if not found:
            return []
        known = await self._graph.known_among(me, found)
        privacy = await self._users.privacy_of(found)
        return [one for one in found if one not in known and one in privacy and privacy[one].searchable]
