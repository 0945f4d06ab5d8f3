"""Who is connected where, in Redis: gone with Redis, and written again by the nodes."""

from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Literal, TypeVar

from crypto.ids import new_id
from handlers.presence.models import Device, DeviceState, Kind, Live
from handlers.presence.store import scripts
from storage.redis import Redis, RedisError, Script

T = TypeVar("T")

AT_ONCE = 500
"""People that one script looks at."""
CLEARED_AT_ONCE = 100
REMEMBERED_MS = 60_000
"""How long it is remembered what friends were told of a person who is gone."""
TRUSTED = "0"

Verdict = Literal["changed", "same", "later", "tell"]


class Unreachable(Exception):
    """Redis did not answer."""


class LiveStore:
    """The devices of people, as all nodes share them. Times are in milliseconds. Every question raises Unreachable."""

    def __init__(self, redis: Redis, *, prefix: str, node: str, refill_ms: int) -> None:
        self._prefix = prefix
        self._node = node
        self._refill = refill_ms
        self._put = Script(redis, scripts.PUT)
        self._restore = Script(redis, scripts.RESTORE)
        self._drop = Script(redis, scripts.DROP)
        self._set_state = Script(redis, scripts.SET_STATE)
        self._touch = Script(redis, scripts.TOUCH)
        self._forget_told = Script(redis, scripts.FORGET_TOLD)
        self._look = Script(redis, scripts.LOOK)
        self._here = Script(redis, scripts.HERE)
        self._settle = Script(redis, scripts.SETTLE)
        self._take_due = Script(redis, scripts.TAKE_DUE)
        self._beat = Script(redis, scripts.BEAT)
        self._clear = Script(redis, scripts.CLEAR)

    async def put(self, user_id: str, device: Device) -> None:
        """A device came."""
        keys = [self._person(user_id), self._people(self._node)]
        await _ask(self._put(keys, [user_id, _field(device), _value(device), new_id()]))

    async def restore(self, user_id: str, device: Device) -> bool:
        """A device was there all the time. True when Redis had lost it."""
        keys = [self._person(user_id), self._people(self._node)]
        return bool(await _ask(self._restore(keys, [user_id, _field(device), _value(device), new_id()])))

    async def drop(self, user_id: str, connection: str, *, now: int, grace: int) -> int:
        """A device left; how many are left. A person without any is due after the grace period."""
        keys = [self._person(user_id), self._people(self._node), self._due]
        field = f"c:{self._node}:{connection}"
        return int(await _ask(self._drop(keys, [user_id, field, new_id(), f"c:{self._node}:", now, grace])))

    async def set_state(self, user_id: str, device_id: str, state: DeviceState, *, now: int) -> int:
        """A device is in use or idle (all devices, when none is of that id); how many connections that were."""
        return int(await _ask(self._set_state([self._person(user_id)], [new_id(), device_id, state, now])))

    async def touch(self, user_id: str) -> bool:
        """Something about a person changed. False when Redis knows nothing of the person."""
        return bool(await _ask(self._touch([self._person(user_id)], [new_id()])))

    async def forget_told(self, user_id: str) -> None:
        """Whatever friends were told of a person may be wrong."""
        await _ask(self._forget_told([self._person(user_id)]))

    async def look(self, ids: Sequence[str], *, now: int) -> dict[str, Live]:
        """What is known of people."""
        found: dict[str, Live] = {}
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            since, *people = await _ask(self._look([self._since, *map(self._person, some)]))
            sure = since == TRUSTED.encode() or (since != b"" and now - int(since) > self._refill)
            found |= {one: _live(flat, sure=sure) for one, flat in zip(some, people, strict=True)}
        return found

    async def here(self, ids: Sequence[str]) -> list[str]:
        """Those who have a device."""
        found: list[str] = []
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            present = await _ask(self._here([self._person(one) for one in some]))
            found += [one for one, yes in zip(some, present, strict=True) if yes]
        return found

    async def settle(
        self, user_id: str, *, mark: str, news: str, now: int, quiet: int, grace: int, after_loss: bool
    ) -> Verdict:
        """Ask whether to tell the news of a person, and remember that they are told.

        `changed`: they are old already, look again. `later`: the person is due again then.
        """
        keys = [self._person(user_id), self._due]
        given: list[str | int] = [user_id, mark, news, now, quiet, grace, int(after_loss), max(REMEMBERED_MS, quiet)]
        verdict: Verdict = (await _ask(self._settle(keys, given))).decode()
        return verdict

    async def take_due(self, *, now: int, hold: int, limit: int) -> list[str]:
        """People to be settled now; nobody else takes them for `hold`."""
        return [one.decode() for one in await _ask(self._take_due([self._due], [now, now + hold, limit]))]

    async def beat(self, *, now: int, lease: int, starting: bool) -> tuple[bool, int, list[str]]:
        """Renew this node's lease. Whether it was still there, how many people this node has, and which are dead."""
        keys = [self._lease(self._node), self._nodes, self._since, self._people(self._node)]
        given: list[str | int] = [self._node, lease, TRUSTED if starting else now, self._lease("")]
        had, people, dead = await _ask(self._beat(keys, given))
        return bool(had), int(people), [one.decode() for one in dead]

    async def clear(self, node: str, *, gone: int, due: int, leaving: bool = False) -> tuple[bool, list[str]]:
        """Remove some devices of a node that is dead (or is `leaving` by itself).

        Whether there are more, and who has no device left.
        """
        keys = [self._people(node), self._due, self._nodes, self._lease(node)]
        given: list[str | int] = [
            node,
            f"c:{node}:",
            self._person(""),
            new_id(),
            gone,
            due,
            CLEARED_AT_ONCE,
            int(leaving),
        ]
        more, *people = await _ask(self._clear(keys, given))
        return bool(more), [one.decode() for one in people]

    @property
    def _due(self) -> str:
        return f"{self._prefix}:due"

    @property
    def _nodes(self) -> str:
        return f"{self._prefix}:nodes"

    @property
    def _since(self) -> str:
        return f"{self._prefix}:since"

    def _person(self, user_id: str) -> str:
        return f"{self._prefix}:user:{user_id}"

    def _people(self, node: str) -> str:
        return f"{self._prefix}:people:{node}"

    def _lease(self, node: str) -> str:
        return f"{self._prefix}:node:{node}"


async def _ask(answer: Awaitable[T]) -> T:
    try:
        return await answer
    except (RedisError, OSError, TimeoutError) as error:
        raise Unreachable(str(error)) from error


def _field(device: Device) -> str:
    return f"c:{device.node}:{device.connection}"


def _value(device: Device) -> str:
    return f"{device.state}|{device.kind}|{device.since}|{device.device_id}"


def _device(field: str, value: str) -> Device:
    _, node, connection = field.split(":", 2)
    state, kind, since, device_id = value.split("|", 3)
    return Device(node, connection, device_id, _KINDS[kind], _STATES[state], int(since))


_KINDS: dict[str, Kind] = {"mobile": "mobile", "web": "web", "desktop": "desktop"}
_STATES: dict[str, DeviceState] = {"online": "online", "away": "away"}


def _live(flat: Sequence[bytes], *, sure: bool) -> Live:
    fields = {name.decode(): value.decode() for name, value in _pairs(flat)}
    devices = [_device(name, value) for name, value in fields.items() if name.startswith("c:")]
    return Live(devices, fields.get("mark", ""), "gone" in fields, sure)


def _pairs(flat: Sequence[bytes]) -> Iterable[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)
