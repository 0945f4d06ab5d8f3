"""Answers other slices' questions about two people, each by one look at an index."""

from collections.abc import Collection, Iterator, Sequence

from handlers.social.models import Friendship, Stance
from handlers.social.service.views import Views
from handlers.social.showing import hides_from, see_each_other, shows_to
from handlers.social.store import GraphStore, PairStore
from handlers.users.privacy import PresenceAudience
from handlers.users.service import Users as People
from server.together import Together

PEOPLE_AT_ONCE = 100
"""People whose friends one question names."""
AT_ONCE = 1_000
"""People whose privacy settings one question names."""


class Ties:
    """Who is whose friend, who has blocked whom, and what follows from it."""

    def __init__(self, *, pairs: PairStore, graph: GraphStore, users: People, views: Views) -> None:
        self._pairs = pairs
        self._graph = graph
        self._users = users
        self._views = views
        self._friends = Together(graph.friends_of, most=PEOPLE_AT_ONCE)

    async def friend_ids(self, user_id: str) -> list[str]:
        """All friends of a person."""
        return await self._friends(user_id)

    async def friends_among(self, user_id: str, others: Collection[str]) -> set[str]:
        """Those of the others who are friends of the person."""
        return await self._graph.friends_among(user_id, others)

    async def blocked_among(self, user_id: str, others: Collection[str]) -> set[str]:
        """Those of the others who block the person or are blocked by the person."""
        return await self._graph.blocked_among(user_id, others)

    async def blocked_between(self, one: str, other: str) -> bool:
        """Whether either of the two blocks the other."""
        return bool(await self._graph.blocked_among(one, [other]))

    async def has_blocked(self, blocker: str, blocked: str) -> bool:
        """Whether the first blocks the second."""
        pair = await self._pairs.between(blocker, blocked)
        return pair is not None and blocker in pair.blocked_by

    async def blockers(self, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
        """Of those of the pairs between whom there is a block: who of the two blocks. One look for all of them."""
        return await self._graph.blockers(pairs)

    async def mutual_counts(self, user_id: str, others: Collection[str]) -> dict[str, int]:
        """How many friends the person has in common with each of the others."""
        return await self._graph.mutual_counts(user_id, others)

    async def friends_of_friends(self, user_id: str, limit: int) -> list[str]:
        """People with friends in common, those with most first; none with whom there is or was something already."""
        # Those who are left out still count towards the limit of the question, so it asks for more.
        found = await self._graph.friends_of_friends(user_id, limit=2 * limit)
        known = await self._graph.known_among(user_id, found)
        return [one for one in found if one not in known][:limit]

    async def friendship(self, one: str, other: str) -> Friendship | None:
        """What is between the two as the first sees it; None for nothing, and for a block by the other."""
        pair = await self._pairs.between(one, other)
        return await self._views.one(one, pair) if pair is not None and pair.seen_by(one) else None

    async def may_contact(self, sender: str, recipient: str) -> bool:
        """Whether the sender may write to the recipient, by blocks, friendship and the recipient's settings."""
        privacy = (await self._users.privacy_of([recipient])).get(recipient)
        if privacy is None or privacy.contact_preference == "none":
            return False
        pair = await self._pairs.between(sender, recipient)
        if pair is not None and pair.status == "accepted":
            return pair.sides[recipient].can_message
        return privacy.contact_preference == "everyone" and (pair is None or pair.status != "blocked")

    async def online_viewers(
        self, user_id: str, among: Collection[str] | None = None, *, under: PresenceAudience | None = None
    ) -> list[str]:
        """Those of these people (or of all friends) who may see when the person is or was online.

        It works in both directions: who hides, from everybody or from one person, does not see either. So these are
        also the people whose status the person may see. `under` puts other settings of the person's in place of his.
        """
        others = sorted(set(await self._friends(user_id) if among is None else among) - {user_id})
        audience = (under or await self._users.presence_audience(user_id)) if others else None
        if audience is None:
            return []
        stances = await self._graph.stances(user_id, others)
        mine = {one: (audience.toward(one), stances.get(one, Stance())) for one in others}
        candidates = [one for one in others if shows_to(*mine[one])]
        seen: list[str] = []
        for some in _parts(candidates):
            theirs = await self._users.presence_choices(some, user_id)
            seen += [one for one in some if one in theirs and see_each_other(theirs[one], *mine[one])]
        return seen

    async def hidden_from(self, user_id: str, others: Collection[str]) -> set[str]:
        """Those of these people from whom the person hides when he is online, for what he does and not for who he is.

        It is narrower than `online_viewers`: by the level for all friends nothing is hidden from other people with
        whom the person is in a conversation.
        """
        audience = await self._users.presence_audience(user_id)
        if audience is None:
            return set(others)
        stances = await self._graph.stances(user_id, others)
        return {one for one in others if hides_from(audience.toward(one), stances.get(one, Stance()))}

    async def shows_to_strangers(self, user_id: str) -> bool:
        """Whether others than friends may see when the person is online."""
        audience = await self._users.presence_audience(user_id)
        return audience is not None and (audience.level == "everyone" or bool(audience.always))

    async def place_viewers(self, user_id: str, among: Collection[str]) -> set[str]:
        """Those of these people who are friends and may see the person's place, as far as the friendship goes."""
        pairs = await self._graph.pairs_among(user_id, among)
        return {
            pair.other(user_id) for pair in pairs if pair.status == "accepted" and pair.sides[user_id].can_see_location
        }

    async def places_open_to(self, viewer: str, among: Collection[str]) -> set[str]:
        """Those of these people whose place the viewer may see, as far as the friendship goes."""
        pairs = await self._graph.pairs_among(viewer, among)
        return {
            other
            for pair in pairs
            if pair.status == "accepted" and pair.sides[other := pair.other(viewer)].can_see_location
        }


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
