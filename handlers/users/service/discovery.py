"""Finding people by name and by distance, and suggesting people one may want to know."""

from collections.abc import Callable, Sequence

from handlers.users.cursors import Position, read_cursor, write_cursor
from handlers.users.models import Account, Candidate, Found, Search, Suggesting, Suggestions
from handlers.users.names import words_of
from handlers.users.nearness import DEFAULT_RADIUS_KM, LOCAL_KM, rings, within
from handlers.users.service.errors import BadCursor, NoSuchUser
from handlers.users.service.ports import Relations
from handlers.users.store import UserStore
from handlers.users.views import found_of, suggestion_of
from server.actors import Actor

MAX_CANDIDATES = 500
"""People that one search looks at; the names nearest to the beginning of what was typed come first."""
MAX_SEARCH_WORDS = 5
MAX_SUGGESTED = 200


class Discovery:
    """Search and suggestions. Whoever is hidden, blocked or blocking is in neither."""

    def __init__(self, store: UserStore, *, relations: Callable[[], Relations]) -> None:
        self._store = store
        self._relations = relations

    async def search(self, actor: Actor, search: Search) -> Found:
        """One page of people, ordered by how well the name fits, then by distance, then by username."""
        after = _position(search.cursor)
        found = await self._visible(actor.user_id, await self._found(search), placed=search.location is not None)
        name = (search.q or "").strip().lstrip("@").lower()
        ranked = sorted(((_place(person, name, search), person) for person in found), key=lambda one: one[0].key)
        rest = [one for one in ranked if after is None or one[0].key > after.key]
        page = rest[: search.limit]
        more = len(rest) > len(page)
        return Found(
            users=[found_of(person, place.distance if search.location else None) for place, person in page],
            next_cursor=write_cursor(page[-1][0]) if more else None,
            has_more=more,
        )

    async def suggest(self, actor: Actor, wish: Suggesting) -> Suggestions:
        """People one may want to know: neither friends already nor blocked, and findable."""
        me = await self._store.active(actor.user_id)
        if me is None:
            raise NoSuchUser
        candidates = await self._suggested(me, wish.type)
        candidates = await self._visible(me.id, candidates, placed=wish.type == "local")
        ids = [one.id for one in candidates]
        friends = await self._relations().friends_among(me.id, ids)
        mutual = await self._relations().mutual_counts(me.id, ids)
        here = me.location.coordinates if me.location and wish.type == "local" else None
        people = [
            suggestion_of(
                one,
                mutual=mutual.get(one.id, 0),
                shared=[interest for interest in me.interests if interest in one.interests],
                within_km=within(here, one.near) if here and one.near else None,
            )
            for one in candidates
            if one.id not in friends
        ]
        if wish.type == "local":
            people.sort(key=lambda one: (one.within_km or 0, -one.mutual_friends, -len(one.shared_interests)))
        elif wish.type == "friends":
            people.sort(key=lambda one: (-one.mutual_friends, -len(one.shared_interests), one.username))
        return Suggestions(users=people[: wish.limit])

    async def _suggested(self, me: Account, kind: str) -> list[Candidate]:
        if kind == "local":
            here = me.location.coordinates if me.location else None
            return await self._around(here, LOCAL_KM, MAX_SUGGESTED) if here else []
        if kind == "creators":
            alike = await self._store.creators(me.interests, MAX_SUGGESTED) if me.interests else []
            return _once([*alike, *await self._store.creators([], MAX_SUGGESTED)])
        known = await self._store.findable(await self._relations().friends_of_friends(me.id, MAX_SUGGESTED))
        alike = await self._store.sharing(me.interests, MAX_SUGGESTED) if me.interests else []
        return _once([*known, *alike])

    async def _found(self, search: Search) -> list[Candidate]:
        radius = search.radius or DEFAULT_RADIUS_KM
        if search.q is None:
            return await self._around(search.location, radius, MAX_CANDIDATES) if search.location else []
        words = sorted(words_of(search.q), key=len, reverse=True)[:MAX_SEARCH_WORDS]
        if not words:
            return []
        near = (search.location, radius) if search.location else None
        return await self._store.named(words, near, MAX_CANDIDATES)

    async def _around(self, here: Sequence[float], radius_km: float, limit: int) -> list[Candidate]:
        """The nearest people: ring by ring, until there are enough."""
        found: list[Candidate] = []
        for ring in rings(radius_km):
            found = await self._store.around(here, ring, limit)
            if len(found) >= limit:
                break
        return found

    async def _visible(self, viewer: str, people: Sequence[Candidate], *, placed: bool) -> list[Candidate]:
        others = [one for one in people if one.id != viewer]
        relations = self._relations()
        hidden = await relations.blocked_among(viewer, [one.id for one in others]) if others else set()
        if placed:
            closed = {one.id for one in others if one.profile_visibility == "friends"}
            hidden = hidden | (closed - await relations.friends_among(viewer, closed) if closed else set())
        return [one for one in others if one.id not in hidden]


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    try:
        return read_cursor(cursor)
    except ValueError:
        raise BadCursor from None


def _place(person: Candidate, name: str, search: Search) -> Position:
    distance = within(search.location, person.near) if search.location and person.near else 0
    return Position(rank=_rank(person.username, name), distance=distance, username=person.username)


def _rank(username: str, name: str) -> int:
    """0 when it is the very name (or none was asked for), 1 when it begins so, 2 when only a word does."""
    if not name or username == name:
        return 0
    return 1 if username.startswith(name) else 2


def _once(people: Sequence[Candidate]) -> list[Candidate]:
    """Each person once, at the first place that he has."""
    return list({one.id: one for one in people}.values())
