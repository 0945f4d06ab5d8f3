"""What keeps the shared picture true: this process's devices, its lease, and the burial of processes that died."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from handlers.presence.models import AppState, Device, DeviceState, Live
from handlers.presence.service.devices import Devices
from handlers.presence.service.refill import Refill
from handlers.presence.service.telling import Teller, in_milliseconds
from handlers.presence.settings import PresenceSettings
from handlers.presence.status import kind_of
from handlers.presence.store import LiveStore, RecordStore, Unreachable, WatchStore
from handlers.users.service import Users
from server.clock import Clock
from server.hub.connections import Connection
from storage.tasks import end

log = logging.getLogger("mixee.presence")

DUE_AT_ONCE = 200
DUE_HOLD_MS = 5_000
"""How long another process waits before it settles a person that this one has taken."""
SEEN_AT_ONCE = 500
AT_ONCE = 32
"""People for whom storage is asked at the same time."""
MAX_OWED = 100_000
LEFT_AT_ONCE = 1_000
"""People who left whose choice is read when Redis has lost them."""


class Heart:
    """One per process. `tick` does what is due; tests call it by hand."""

    def __init__(
        self,
        *,
        live: LiveStore,
        watches: WatchStore,
        records: RecordStore,
        teller: Teller,
        users: Users,
        clock: Clock,
        node: str,
        settings: PresenceSettings,
    ) -> None:
        self._live = live
        self._watches = watches
        self._records = records
        self._teller = teller
        self._users = users
        self._clock = clock
        self._node = node
        self._settings = settings
        self._rules = teller.rules
        self._lease = in_milliseconds(settings.lease_seconds)
        self._every = in_milliseconds(settings.beat_seconds)
        self.devices = Devices()
        self._refill = Refill(self._write_again, span=in_milliseconds(settings.refill_seconds))
        self._owed: set[str] = set()
        """People whose change could not be written: whatever others were told of them may be wrong."""
        self._awake: set[tuple[str, str]] = set()
        """Devices that counted as idle and were used."""
        self._seen: dict[str, datetime] = {}
        self._renewed: int | None = None
        self._steady_since = 0
        """Since when this process has had its lease without a break; it buries others only after a while of that."""
        self._short = False
        """Whether Redis knew of fewer people than are here, at the last beat."""
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._away = False
        self._also: list[Callable[[bool], Awaitable[None]]] = []

    def also(self, work: Callable[[bool], Awaitable[None]]) -> None:
        """Do this at every tick too; it is told whether Redis may have lost something since the last."""
        self._also.append(work)

    async def start(self) -> None:
        """Join the others, and begin to tick."""
        await self.tick()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="presence")

    async def stop(self) -> None:
        """Leave in good order: the devices that are still here count as gone from now on."""
        await end(self._task)
        self.devices.clear()
        async with self._turn:
            try:
                await self._write_seen()
            finally:
                await self._say_goodbye()

    async def came(self, connection: Connection) -> None:
        """A connection of this process has begun."""
        user_id = connection.user_id
        device = Device(
            node=self._node,
            connection=connection.id,
            device_id=connection.actor.device_id,
            kind=kind_of(connection.actor.device_id, connection.user_agent),
            state="online",
            since=self._teller.now_ms(),
        )
        self.devices.add(user_id, device)
        self._seen[user_id] = self._clock.now()
        try:
            await self._live.put(user_id, device)
            if connection.id not in self.devices:
                # It ended while it was being written down; its end may have been written first.
                await self._drop(user_id, connection.id)
                return
            self.devices.stored(connection.id)
            await self._teller.settle(user_id)
        except Unreachable:
            self.owe(user_id)

    async def left(self, connection: Connection) -> None:
        """A connection of this process has ended."""
        user_id = connection.user_id
        self.devices.remove(connection.id, now=self._teller.now_ms())
        self._seen[user_id] = self._clock.now()
        try:
            if await self._drop(user_id, connection.id):
                await self._teller.settle(user_id)
        except Unreachable:
            self.owe(user_id)

    def used(self, user_id: str, device_id: str) -> None:
        """A person uses a device. If it counted as idle, that is told at the next tick."""
        if self.devices.use(user_id, device_id, now=self._teller.now_ms(), idle=self._rules.idle):
            self._awake.add((user_id, device_id))

    async def app_changed(self, user_id: str, device_id: str, app: AppState) -> None:
        """The app on a device comes to the foreground or goes."""
        now = self._teller.now_ms()
        self.devices.change(user_id, device_id, app=app)
        if app == "foreground":
            self.devices.wrote(user_id, device_id, at=now)
        try:
            if await self._live.set_app(user_id, device_id, app, now=now):
                await self._teller.settle(user_id)
        except Unreachable:
            self.owe(user_id)

    async def set_state(self, user_id: str, device_id: str, state: DeviceState) -> None:
        """A person says what a device is; to be told by the caller."""
        now = self._teller.now_ms()
        self.devices.change(user_id, device_id, state=state)
        try:
            await self._live.set_state(user_id, device_id, state, now=now)
            self.devices.wrote(user_id, device_id, at=now)
        except Unreachable:
            self.owe(user_id)

    def owe(self, user_id: str) -> None:
        """A person's change could not be written to Redis: it is made good when Redis is back."""
        if len(self._owed) < MAX_OWED:
            self._owed.add(user_id)

    async def tick(self) -> None:
        """Do what is due: renew the lease, write what Redis lost, bury the dead, settle people, tell watchers."""
        async with self._turn:
            try:
                lost = await self._beat()
                await self._refill.turn(now=self._teller.now_ms())
                await self._write_seen()
                await self._wake()
                await self._settle_due()
                for work in self._also:
                    await work(lost or self._away)
            except Unreachable as error:
                if not self._away:
                    log.warning("presence cannot reach Redis and waits for it: %s", error)
                self._away = True
            else:
                self._away = False

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.tick_seconds)
            try:
                await self.tick()
            except Exception:
                log.exception("presence missed a beat")

    async def _say_goodbye(self) -> None:
        now, more = self._teller.now_ms(), True
        with contextlib.suppress(Unreachable):
            while await self._watches.lose(self._node, leaving=True):
                pass
            while more:
                more, _ = await self._live.clear(self._node, gone=now, due=now + self._rules.grace, leaving=True)

    async def _drop(self, user_id: str, connection_id: str) -> int:
        return await self._live.drop(user_id, connection_id, now=self._teller.now_ms(), grace=self._rules.grace)

    async def _beat(self) -> bool:
        """Whether Redis has lost something."""
        if not self._lease_is_due():
            return False
        before = len(self.devices.stored_people())
        had_lease, people, dead = await self._renew()
        # Somebody may come or leave between the two counts; twice in a row it is a loss.
        short, self._short = self._short, people < min(before, len(self.devices.stored_people()))
        lost = not had_lease or (short and self._short)
        now = self._teller.now_ms()
        if lost:
            self._refill.plan(self.devices.stored_people() | set(await self._left_lately()), now=now)
        self._refill.plan(self._owed, now=now)
        await self._write_use()
        # After a fault of Redis nobody has a lease: whoever comes back first must not bury the others.
        if self._teller.now_ms() - self._steady_since >= self._lease:
            for node in dead:
                await self._bury(node)
        return lost

    def _lease_is_due(self) -> bool:
        return self._renewed is None or self._teller.now_ms() - self._renewed >= self._every

    async def _renew(self) -> tuple[bool, int, list[str]]:
        now = self._teller.now_ms()
        answer = await self._live.beat(now=now, lease=self._lease, starting=self._renewed is None)
        if not answer[0]:
            self._steady_since = now
        self._renewed = now
        return answer

    async def _keep_lease(self) -> None:
        """In the middle of long work: say that this process lives."""
        if self._lease_is_due():
            await self._renew()

    async def _write_use(self) -> None:
        """Tell Redis of devices that it would take for idle before the next beats, and that are not."""
        now = self._teller.now_ms()
        pending = list(self.devices.unwritten(before=now - self._rules.idle + 2 * self._every))
        for start in range(0, len(pending), AT_ONCE):
            some = [(one.user_id, one.device.device_id, one.used) for one in pending[start : start + AT_ONCE]]
            await asyncio.gather(*(self._live.used(user_id, device_id, at=at) for user_id, device_id, at in some))
            for user_id, device_id, at in some:
                self.devices.wrote(user_id, device_id, at=at)

    async def _wake(self) -> None:
        """Write and tell that devices are in use again."""
        waking = list(self._awake)
        for start in range(0, len(waking), AT_ONCE):
            await asyncio.gather(*(self._wake_one(*one) for one in waking[start : start + AT_ONCE]))

    async def _wake_one(self, user_id: str, device_id: str) -> None:
        used = [one.used for one in self.devices.of(user_id) if one.device.device_id == device_id]
        if used:
            await self._live.used(user_id, device_id, at=max(used))
            self.devices.wrote(user_id, device_id, at=max(used))
            await self._teller.settle(user_id)
        self._awake.discard((user_id, device_id))

    async def _left_lately(self) -> list[str]:
        """People who left this process and of whom others may still be told something, now that Redis forgot them."""
        now = self._teller.now_ms()
        lately = set(self.devices.left_since(now - self._rules.grace))
        everybody = self.devices.left_since(now - self._rules.busy)
        for start in range(0, len(everybody), LEFT_AT_ONCE):
            records = await self._records.of(everybody[start : start + LEFT_AT_ONCE])
            lately |= {user_id for user_id, record in records.items() if record.choice == "busy"}
        return sorted(lately)

    async def _write_again(self, user_id: str) -> None:
        """Write what Redis lost of a person, silently; make good what could not be written, and tell that."""
        owed = user_id in self._owed
        mine = self.devices.of(user_id)
        for local in mine:
            if local.stored or owed:
                await self._restore(user_id, local.device, owed=owed)
        if owed:
            await self._make_good(user_id)
            self._owed.discard(user_id)
        elif not mine and not (await self._look(user_id)).devices:
            # The person left, and Redis lost that too: others may still take the person for present.
            await self._drop(user_id, "")

    async def _restore(self, user_id: str, device: Device, *, owed: bool) -> None:
        # What is owed is written over what Redis has; what was only lost is not, if it is there after all.
        restored = False
        if owed:
            await self._live.put(user_id, device)
        else:
            restored = await self._live.restore(user_id, device)
        if device.connection not in self.devices:
            await self._drop(user_id, device.connection)
            return
        self.devices.stored(device.connection)
        if restored:
            await self._teller.settle(user_id)

    async def _make_good(self, user_id: str) -> None:
        mine = {local.device.connection for local in self.devices.of(user_id)}
        known = await self._look(user_id)
        for device in known.devices:
            if device.node == self._node and device.connection not in mine:
                await self._drop(user_id, device.connection)
        if not known.devices:
            # Redis lost the person, who then left: others may still take the person for present.
            await self._drop(user_id, "")
        await self._live.doubt_told(user_id)
        await self._live.touch(user_id)
        await self._teller.settle(user_id)

    async def _look(self, user_id: str) -> Live:
        return (await self._live.look([user_id], now=self._teller.now_ms()))[user_id]

    async def _bury(self, node: str) -> None:
        """Remove the devices of a dead process. They count as gone since the last beat that may have been its own."""
        if not await self._live.take_turn(node, lasts=self._lease):
            return
        while await self._watches.lose(node):
            await self._keep_lease()
        gone = self._teller.now_ms() - min(self._every, self._rules.grace)
        more = True
        while more and await self._live.take_turn(node, lasts=self._lease):
            more, people = await self._live.clear(node, gone=gone, due=gone + self._rules.grace)
            self._seen |= dict.fromkeys(people, self._clock.now())
            await self._keep_lease()
        log.info("process %s is dead, its people count as gone", node)

    async def _write_seen(self) -> None:
        while self._seen:
            some = dict(list(self._seen.items())[:SEEN_AT_ONCE])
            await self._records.seen(some)
            records = await self._records.of(list(some))
            shown = [user_id for user_id, record in records.items() if record.choice != "invisible"]
            if shown:
                await self._users.seen(shown)
            for user_id, at in some.items():
                if self._seen.get(user_id) == at:
                    del self._seen[user_id]

    async def _settle_due(self) -> None:
        while True:
            due = await self._live.take_due(now=self._teller.now_ms(), hold=DUE_HOLD_MS, limit=DUE_AT_ONCE)
            if due:
                await self._write_seen()
                await self._keep_lease()
                await self._teller.settle_all(due)
            if len(due) < DUE_AT_ONCE:
                return
