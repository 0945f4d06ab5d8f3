"""A friendship as one of the two sees it."""

from collections.abc import Sequence

from handlers.social.models import Allows, Friendship, Pair, Side
from handlers.social.store import GraphStore
from handlers.users.models import UserCard
from handlers.users.service import Users


class Views:
    """Makes views of pairs: the viewer's own category, the other's permissions, card and common friends."""

    def __init__(self, users: Users, graph: GraphStore) -> None:
        self._users = users
        self._graph = graph

    async def one(self, viewer: str, pair: Pair) -> Friendship:
        """The pair as the viewer, one of the two, sees it."""
        (view,) = await self.several(viewer, [pair])
        return view

    async def several(self, viewer: str, pairs: Sequence[Pair]) -> list[Friendship]:
        """The viewer's pairs, in the same order."""
        others = [pair.other(viewer) for pair in pairs]
        cards = await self._users.cards(others) if others else {}
        mutual = await self._graph.mutual_counts(viewer, others)
        return [
            _view(viewer, pair, cards.get(other), mutual.get(other, 0))
            for pair, other in zip(pairs, others, strict=True)
        ]


def _allows(side: Side, *, friends: bool) -> Allows:
    return Allows(
        can_message=friends and side.can_message,
        can_see_online_status=friends and side.can_see_online_status,
        can_see_location=friends and side.can_see_location,
    )


def _view(viewer: str, pair: Pair, card: UserCard | None, mutual: int) -> Friendship:
    friends = pair.status == "accepted"
    mine = pair.sides[viewer]
    theirs = _allows(pair.sides[pair.other(viewer)], friends=friends)
    if pair.status == "none":
        raise ValueError("there is nothing between the two to be seen")
    return Friendship(
        id=pair.id,
        requester_id=pair.requester_id,
        recipient_id=pair.recipient_id,
        status=pair.status,
        relationship=mine.relationship,
        request_message=pair.message,
        mutual_friends=mutual,
        connection_source=pair.source,
        can_message=theirs.can_message,
        can_see_online_status=theirs.can_see_online_status,
        can_see_location=theirs.can_see_location,
        allows=_allows(mine, friends=friends),
        user=card,
        created_at=pair.created_at,
        updated_at=pair.updated_at,
        accepted_at=pair.accepted_at,
    )
