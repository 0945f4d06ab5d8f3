"""Requests and friendships: who may do what when, and who hears of it."""

from collections.abc import Collection
from dataclasses import replace

from pydantic.alias_generators import to_camel

from handlers.social.events import (
    FriendAccepted,
    FriendAdded,
    FriendRemoved,
    FriendRemovedFrom,
    FriendRequested,
    FriendUpdated,
    PermitChanged,
)
from handlers.social.models import (
    FriendPage,
    Friendship,
    FriendshipChange,
    Listed,
    ListFriends,
    NewRequest,
    Pair,
    Permit,
    Side,
    Tie,
)
from handlers.social.service.errors import (
    AlreadyFriends,
    BlockedByYou,
    NoFriendship,
    NoSuchPerson,
    NotAsked,
    NotFriends,
    NotPending,
    NotWelcome,
    TooManyFriends,
    Yourself,
)
from handlers.social.service.views import Views
from handlers.social.settings import SocialSettings
from handlers.social.showing import CLOSE
from handlers.social.store import GraphStore, PairStore
from handlers.users.service import Users as People
from server.clock import Clock
from server.errors import Unavailable
from server.events import Nobody, Publisher, Users

ATTEMPTS = 5
"""How often a change is tried again when the other of the two keeps changing the same pair."""
BATCH = 200


class Friends:
    """The life of a friendship, from the request to its end."""

    def __init__(
        self,
        *,
        pairs: PairStore,
        graph: GraphStore,
        users: People,
        views: Views,
        clock: Clock,
        publish: Publisher,
        settings: SocialSettings,
    ) -> None:
        self._pairs = pairs
        self._graph = graph
        self._users = users
        self._views = views
        self._clock = clock
        self._publish = publish
        self._settings = settings

    async def request(self, me: str, body: NewRequest) -> Friendship:
        """Ask somebody to be friends; whoever was asked by that person before accepts by this.

        Asking twice is asking once.

        Raises Yourself, NoSuchPerson, AlreadyFriends, BlockedByYou, NotWelcome and TooManyFriends.
        """
        other = body.recipient_id
        if other == me:
            raise Yourself("You cannot be your own friend here.")
        if other not in await self._users.existing([other]):
            raise NoSuchPerson
        for _ in range(ATTEMPTS):
            was = await self._pairs.between(me, other)
            if was is None or was.status in {"none", "declined"}:
                made = await self._ask(me, body, was)
            else:
                made = await self._already(me, was)
            if made is not None:
                return await self._views.one(me, made)
        raise _busy()

    async def accept(self, me: str, friendship_id: str) -> Friendship:
        """Accept a request; accepting twice is accepting once.

        Raises NoFriendship (also for a request that was withdrawn), NotAsked, NotPending and TooManyFriends.
        """
        pair = await self._asked(me, friendship_id)
        if pair.status == "pending":
            pair = await self._befriend(pair) or await self._asked(me, friendship_id)
        if pair.status != "accepted":
            raise _answered()
        return await self._views.one(me, pair)

    async def decline(self, me: str, friendship_id: str) -> Friendship:
        """Turn a request down; the one who asked is not told. Raises NoFriendship, NotAsked and NotPending."""
        pair = await self._asked(me, friendship_id)
        if pair.status == "pending":
            declined = await self._pairs.decline(pair, now=self._clock.now())
            if declined is not None:
                view = await self._views.one(me, declined)
                await self._publish(FriendUpdated(view, to=Users([me])))
                return view
            pair = await self._asked(me, friendship_id)
        if pair.status != "declined":
            raise _answered()
        return await self._views.one(me, pair)

    async def remove(self, me: str, friendship_id: str) -> None:
        """End a friendship, withdraw a request, turn one down, or clear a refusal away. Raises NoFriendship."""
        for _ in range(ATTEMPTS):
            pair = await self._seen(me, friendship_id)
            if pair.status == "blocked":
                raise _none()
            if pair.status == "pending" and pair.recipient_id == me:
                await self.decline(me, friendship_id)
                return
            if await self._end(me, pair):
                return
        raise _busy()

    async def change(self, me: str, body: FriendshipChange) -> Friendship:
        """Change the category of a friend, and what the friend may do. Raises NoFriendship and NotFriends."""
        for _ in range(ATTEMPTS):
            pair = await self._seen(me, body.friendship_id)
            if pair.status != "accepted":
                raise NotFriends("This can be set for friends only.")
            side = _changed(pair.sides[me], body)
            if side == pair.sides[me]:
                return await self._views.one(me, pair)
            said = await self._say(me, pair, side)
            if said is not None:
                view = await self._views.one(me, said)
                await self._publish(FriendUpdated(view, to=Users([me])))
                return view
        raise _busy()

    async def listed(self, me: str, body: ListFriends) -> FriendPage:
        """A page of my friendships or requests, the newest first."""
        wanted = Listed(body.status, body.direction, body.cursor, body.limit + 1)
        pairs = await self._pairs.listed(me, wanted)
        page = pairs[: body.limit]
        cursor = page[-1].id if len(pairs) > body.limit else None
        return FriendPage(friends=await self._views.several(me, page), next_cursor=cursor)

    async def forget(self, user_id: str) -> None:
        """Take an erased person out of every friendship; the friends' counts follow."""
        while pairs := await self._pairs.all_of(user_id, limit=BATCH):
            for pair in pairs:
                await self._forget(user_id, pair)

    async def part(self, pair: Pair) -> None:
        """Count a friendship out, inside the unit of work that ends it."""
        await self._count(pair, -1)
        await self._publish(FriendRemoved(_tie(pair), to=Nobody()))

    async def tell_gone(self, pair: Pair, people: Collection[str]) -> None:
        """Tell these of the two that something they could see is gone: the pair as it was."""
        for person in people:
            if pair.seen_by(person):
                await self._publish(FriendRemovedFrom(await self._views.one(person, pair), to=Users([person])))

    async def _ask(self, me: str, body: NewRequest, was: Pair | None) -> Pair | None:
        other = body.recipient_id
        privacy = (await self._users.privacy_of([other])).get(other)
        if privacy is None:
            raise NoSuchPerson
        if privacy.contact_preference == "none":
            raise NotWelcome("This person takes no friend requests.")
        await self._room(me)
        hushed = was is not None and was.sides[other].declines >= self._settings.declines_heard
        made = await self._pairs.ask(
            me,
            other,
            was=was,
            message=body.message,
            source=body.source,
            hushed=hushed,
            now=self._clock.now(),
        )
        if made is not None:
            if not hushed:
                await self._publish(FriendRequested(await self._views.one(other, made), to=Users([other])))
            await self._publish(FriendUpdated(await self._views.one(me, made), to=Users([me])))
        return made

    async def _already(self, me: str, was: Pair) -> Pair | None:
        if was.status == "blocked":
            raise (
                BlockedByYou("You have blocked this person: unblock first.") if me in was.blocked_by else NoSuchPerson()
            )
        if was.status == "accepted":
            raise AlreadyFriends("You are friends already.")
        if was.requester_id == me:
            return was
        return await self._befriend(was)

    async def _befriend(self, pair: Pair) -> Pair | None:
        """Make friends of two; None when the request is no longer there."""
        for person in pair.sides:
            await self._room(person)
        now = self._clock.now()

        async def both() -> Pair | None:
            accepted = await self._pairs.accept(pair, now=now)
            if accepted is not None:
                await self._count(accepted, 1)
                await self._publish(FriendAdded(_tie(accepted), to=Nobody()))
            return accepted

        accepted = await self._pairs.unit(both)
        if accepted is not None:
            for person in accepted.sides:
                await self._publish(FriendAccepted(await self._views.one(person, accepted), to=Users([person])))
        return accepted

    async def _end(self, me: str, pair: Pair) -> bool:
        now = self._clock.now()

        async def both() -> Pair | None:
            ended = await self._pairs.end(pair, now=now)
            if ended is not None and pair.status == "accepted":
                await self.part(pair)
            return ended

        if await self._pairs.unit(both) is None:
            return False
        await self.tell_gone(pair, [me] if pair.status == "declined" else pair.sides)
        return True

    async def _say(self, me: str, pair: Pair, side: Side) -> Pair | None:
        now = self._clock.now()

        async def both() -> Pair | None:
            said = await self._pairs.say(pair, me, side, now=now)
            if said is not None:
                await self._publish(PermitChanged(_permit(me, pair, side), to=Nobody()))
            return said

        return await self._pairs.unit(both)

    async def _forget(self, user_id: str, pair: Pair) -> None:
        async def both() -> Pair | None:
            gone = await self._pairs.forget(pair)
            if gone is not None and gone.status == "accepted":
                await self.part(gone)
            return gone

        gone = await self._pairs.unit(both)
        if gone is not None and gone.status in {"accepted", "pending"}:
            await self.tell_gone(gone, [gone.other(user_id)])

    async def _count(self, pair: Pair, by: int) -> None:
        # Always in the same order: two transactions about the same people then wait instead of starting again.
        for person in sorted(pair.sides):
            await self._users.change_friends(person, by)

    async def _room(self, person: str) -> None:
        most = self._settings.max_friends
        if await self._graph.count_friends(person, upto=most) >= most:
            raise TooManyFriends(f"One of you has {most:,} friends, and more are not possible.")

    async def _seen(self, me: str, friendship_id: str) -> Pair:
        pair = await self._pairs.by_id(friendship_id)
        if pair is None or not pair.seen_by(me):
            raise _none()
        return pair

    async def _asked(self, me: str, friendship_id: str) -> Pair:
        """The pair, as long as it is I who was asked."""
        pair = await self._seen(me, friendship_id)
        if pair.status == "blocked":
            raise _none()
        if pair.recipient_id != me:
            raise NotAsked("Only the person who was asked can answer a request.")
        return pair


def _changed(side: Side, body: FriendshipChange) -> Side:
    changes: dict[str, object] = body.allows.model_dump(exclude_none=True) if body.allows else {}
    if body.relationship is not None:
        changes["relationship"] = body.relationship
    return replace(side, **changes)  # type: ignore[arg-type]  # the names are those of Side's own fields


def _permit(me: str, pair: Pair, side: Side) -> Permit:
    before, after = _allows(pair.sides[me]), _allows(side)
    closer = (pair.sides[me].relationship == CLOSE) != (side.relationship == CLOSE)
    return Permit(
        friendship_id=pair.id,
        user_id=me,
        friend_id=pair.other(me),
        changed=[to_camel(name) for name, allowed in after.items() if allowed != before[name]] + ["close"] * closer,
        **after,
    )


def _allows(side: Side) -> dict[str, bool]:
    return {
        "can_message": side.can_message,
        "can_see_online_status": side.can_see_online_status,
        "can_see_location": side.can_see_location,
    }


def _tie(pair: Pair) -> Tie:
    return Tie(friendship_id=pair.id, user_ids=sorted(pair.sides))


def _none() -> NoFriendship:
    return NoFriendship("There is no such friendship or request.")


def _answered() -> NotPending:
    return NotPending("This request has been answered already.")


def _busy() -> Unavailable:
    return Unavailable("The other person is changing the same thing at this moment: try again.", retry_after_ms=200)
