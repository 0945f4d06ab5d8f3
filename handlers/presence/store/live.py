"""Who is connected where, in Redis: gone with Redis, and written again by the nodes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from crypto.ids import new_id
from handlers.presence.models import AppState, Device, DeviceState, Kind, Live
from handlers.presence.store import scripts
from handlers.presence.store.keys import Keys, ask
from storage.redis import Redis, Script

AT_ONCE = 500
"""People that one script looks at."""
CLEARED_AT_ONCE = 100
REMEMBERED_MS = 60_000
"""How long it is remembered what others were told of a person who is gone."""
TRUSTED = "0"

Verdict = Literal["changed", "same", "later", "tell"]


@dataclass(frozen=True, slots=True)
class Settled:
    """Whether news are to be told, and then how many people watch on which node."""

    verdict: Verdict
    interest: Mapping[str, int] = field(default_factory=dict)


class LiveStore:
    """The devices of people, as all nodes share them. Times are in milliseconds. Every question raises Unreachable."""

    def __init__(self, redis: Redis, *, keys: Keys, node: str, refill_ms: int) -> None:
        self.keys = keys
        self._node = node
        self._refill = refill_ms
        self._put = Script(redis, scripts.PUT)
        self._restore = Script(redis, scripts.RESTORE)
        self._drop = Script(redis, scripts.DROP)
        self._change = Script(redis, scripts.CHANGE)
        self._touch = Script(redis, scripts.TOUCH)
        self._doubt_told = Script(redis, scripts.DOUBT_TOLD)
        self._look = Script(redis, scripts.LOOK)
        self._here = Script(redis, scripts.HERE)
        self._settle = Script(redis, scripts.SETTLE)
        self._take_due = Script(redis, scripts.TAKE_DUE)
        self._beat = Script(redis, scripts.BEAT)
        self._alive = Script(redis, scripts.ALIVE)
        self._take_turn = Script(redis, scripts.TAKE_TURN)
        self._some = Script(redis, scripts.SOME)
        self._clear = Script(redis, scripts.CLEAR)

    async def put(self, user_id: str, device: Device) -> None:
        """A device came."""
        keys = [self.keys.person(user_id), self.keys.people(self._node)]
        await ask(self._put(keys, [user_id, _field(device), _value(device), new_id()]))

    async def restore(self, user_id: str, device: Device) -> bool:
        """A device was there all the time. True when Redis had lost it."""
        keys = [self.keys.person(user_id), self.keys.people(self._node)]
        return bool(await ask(self._restore(keys, [user_id, _field(device), _value(device), new_id()])))

    async def drop(self, user_id: str, connection: str, *, now: int, grace: int) -> int:
        """A device left; how many are left. A person without any is due after the grace period."""
        keys = [self.keys.person(user_id), self.keys.people(self._node), self.keys.due]
        field = f"c:{self._node}:{connection}"
        return int(await ask(self._drop(keys, [user_id, field, new_id(), f"c:{self._node}:", now, grace])))

    async def set_state(self, user_id: str, device_id: str, state: DeviceState, *, now: int) -> int:
        """A person says what a device is (all devices, when none is of that id), using it; how many connections."""
        keys = [self.keys.person(user_id)]
        return int(await ask(self._change(keys, [new_id(), device_id, state, "", now, 1])))

    async def set_app(self, user_id: str, device_id: str, app: AppState, *, now: int) -> int:
        """The app of a device comes to the foreground, which is to use it, or goes; how many connections."""
        used: str | int = now if app == "foreground" else ""
        return int(await ask(self._change([self.keys.person(user_id)], [new_id(), device_id, "", app, used, 0])))

    async def used(self, user_id: str, device_id: str, *, at: int) -> int:
        """A device was used; how many connections."""
        return int(await ask(self._change([self.keys.person(user_id)], [new_id(), device_id, "", "", at, 0])))

    async def touch(self, user_id: str) -> bool:
        """Something about a person changed. False when Redis knows nothing of the person."""
        return bool(await ask(self._touch([self.keys.person(user_id)], [new_id()])))

    async def doubt_told(self, user_id: str) -> None:
        """After a loss, what others were told of a person is not only forgotten but wrong."""
        await ask(self._doubt_told([self.keys.person(user_id)]))

    async def look(self, ids: Sequence[str], *, now: int) -> dict[str, Live]:
        """What is known of people."""
        found: dict[str, Live] = {}
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            since, *people = await ask(self._look([self.keys.since, *map(self.keys.person, some)]))
            sure = since == TRUSTED.encode() or (since != b"" and now - int(since) > self._refill)
            found |= {one: _live(flat, sure=sure) for one, flat in zip(some, people, strict=True)}
        return found

    async def here(self, ids: Sequence[str], *, or_just_gone: bool = False) -> list[str]:
        """Those who have a device (or had one a short while ago)."""
        found: list[str] = []
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            present = await ask(self._here([self.keys.person(one) for one in some]))
            found += [one for one, yes in zip(some, present, strict=True) if yes == 2 or (yes and or_just_gone)]
        return found

    async def settle(
        self,
        user_id: str,
        *,
        mark: str,
        news: str,
        now: int,
        quiet: int,
        grace: int,
        after_loss: bool,
        again: int | None = None,
    ) -> Settled:
        """Ask whether to tell the news of a person, and remember that they are told.

        `changed`: they are old already, look again. `later`: the person is due again then. `again` is when the news
        change by themselves: the person is due then too.
        """
        keys = [self.keys.person(user_id), self.keys.due, self.keys.interest(user_id)]
        remember = max(REMEMBERED_MS, quiet)
        given: list[str | int] = [user_id, mark, news, now, quiet, grace, int(after_loss), remember, again or 0]
        verdict, *interest = await ask(self._settle(keys, given))
        return Settled(verdict.decode(), {node.decode(): int(count) for node, count in _pairs(interest)})

    async def take_due(self, *, now: int, hold: int, limit: int) -> list[str]:
        """People to be settled now; nobody else takes them for `hold`."""
        return [one.decode() for one in await ask(self._take_due([self.keys.due], [now, now + hold, limit]))]

    async def beat(self, *, now: int, lease: int, starting: bool) -> tuple[bool, int, list[str]]:
        """Renew this node's lease. Whether it was still there, how many people this node has, and which are dead."""
        keys = [self.keys.lease(self._node), self.keys.nodes, self.keys.since, self.keys.people(self._node)]
        had, people, nodes = await ask(self._beat(keys, [self._node, lease, TRUSTED if starting else now]))
        others = sorted(node.decode() for node in nodes if node.decode() != self._node)
        alive = await ask(self._alive([self.keys.lease(one) for one in others])) if others else []
        return bool(had), int(people), [one for one, lives in zip(others, alive, strict=True) if not lives]

    async def take_turn(self, node: str, *, lasts: int) -> bool:
        """Whether this node is the one that buries a dead one now."""
        return bool(await ask(self._take_turn([self.keys.turn(node)], [self._node, lasts])))

    async def clear(self, node: str, *, gone: int, due: int, leaving: bool = False) -> tuple[bool, list[str]]:
        """Remove some devices of a node that is dead (or is `leaving` by itself).

        Whether there are more, and who has no device left.
        """
        some = [one.decode() for one in await ask(self._some([self.keys.people(node)], [CLEARED_AT_ONCE]))]
        keys = [self.keys.people(node), self.keys.due, self.keys.nodes, self.keys.lease(node)]
        given: list[str | int] = [node, f"c:{node}:", new_id(), gone, due, int(leaving)]
        more, *people = await ask(self._clear([*keys, *map(self.keys.person, some)], [*given, *some]))
        return bool(more), [one.decode() for one in people]


def _field(device: Device) -> str:
    return f"c:{device.node}:{device.connection}"


def _value(device: Device) -> str:
    return f"{device.state}|{device.app}|{device.kind}|{device.since}|{device.device_id}"


def _device(field: str, value: str) -> Device:
    _, node, connection = field.split(":", 2)
    state, app, kind, since, device_id = value.split("|", 4)
    return Device(node, connection, device_id, _KINDS[kind], _STATES[state], int(since), _APPS[app])


_KINDS: dict[str, Kind] = {"mobile": "mobile", "web": "web", "desktop": "desktop"}
_STATES: dict[str, DeviceState] = {"online": "online", "away": "away"}
_APPS: dict[str, AppState] = {"foreground": "foreground", "background": "background"}


def _live(flat: Sequence[bytes], *, sure: bool) -> Live:
    fields = {name.decode(): value.decode() for name, value in _pairs(flat)}
    devices = [_device(name, value) for name, value in fields.items() if name.startswith("c:")]
    gone, last = fields.get("gone"), fields.get("last")
    return Live(
        devices,
        fields.get("mark", ""),
        gone=int(gone) if gone else None,
        last=_device("c::", last) if last else None,
        sure=sure,
    )


def _pairs(flat: Sequence[bytes]) -> Iterable[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)
