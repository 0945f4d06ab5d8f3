"""What keeps the shared picture true: this process's devices, its lease, and the burial of processes that died."""

import asyncio
import contextlib
import logging
from datetime import datetime

from handlers.presence.models import Device
from handlers.presence.service.telling import Teller, milliseconds
from handlers.presence.settings import PresenceSettings
from handlers.presence.status import kind_of
from handlers.presence.store import LiveStore, RecordStore, Unreachable
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


class Heart:
    """One per process. `tick` does what is due; tests call it by hand."""

    def __init__(
        self,
        *,
        live: LiveStore,
        records: RecordStore,
        teller: Teller,
        users: Users,
        clock: Clock,
        node: str,
        settings: PresenceSettings,
    ) -> None:
        self._live = live
        self._records = records
        self._teller = teller
        self._users = users
        self._clock = clock
        self._node = node
        self._settings = settings
        self._grace = milliseconds(settings.grace_seconds)
        self._lease = milliseconds(settings.lease_seconds)
        self._devices: dict[str, tuple[str, Device]] = {}
        self._stored: set[str] = set()
        """Connections that Redis knew of. One that it never had is no loss, and is told as new."""
        self._owed: set[str] = set()
        """People whose change could not be written: whatever friends were told of them may be wrong."""
        self._seen: dict[str, datetime] = {}
        self._renewed: int | None = None
        self._steady_since = 0
        """Since when this process has had its lease without a break; it buries others only after a while of that."""
        self._short = False
        """Whether Redis knew of fewer people than are here, at the last beat."""
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._away = False

    async def start(self) -> None:
        """Join the others, and begin to tick."""
        await self.tick()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="presence")

    async def stop(self) -> None:
        """Leave in good order: the devices that are still here count as gone from now on."""
        await end(self._task)
        self._devices.clear()
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
        self._devices[connection.id] = (user_id, device)
        self._seen[user_id] = self._clock.now()
        try:
            await self._live.put(user_id, device)
            if connection.id not in self._devices:
                # It ended while it was being written down; its end may have been written first.
                await self._drop(user_id, connection.id)
                return
            self._stored.add(connection.id)
            await self._teller.settle(user_id)
        except Unreachable:
            self.owe(user_id)

    async def left(self, connection: Connection) -> None:
        """A connection of this process has ended."""
        user_id = connection.user_id
        self._devices.pop(connection.id, None)
        self._stored.discard(connection.id)
        self._seen[user_id] = self._clock.now()
        try:
            if await self._drop(user_id, connection.id):
                await self._teller.settle(user_id)
        except Unreachable:
            self.owe(user_id)

    def owe(self, user_id: str) -> None:
        """A person's change could not be written to Redis: it is made good when Redis is back."""
        if len(self._owed) < MAX_OWED:
            self._owed.add(user_id)

    async def tick(self) -> None:
        """Do what is due: renew the lease, write what Redis lost, bury the dead, settle people."""
        async with self._turn:
            try:
                await self._beat()
                await self._write_seen()
                await self._settle_due()
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
            while more:
                more, _ = await self._live.clear(self._node, gone=now, due=now + self._grace, leaving=True)

    async def _drop(self, user_id: str, connection_id: str) -> int:
        return await self._live.drop(user_id, connection_id, now=self._teller.now_ms(), grace=self._grace)

    async def _beat(self) -> None:
        if not self._lease_is_due():
            return
        before = self._people()
        had_lease, people, dead = await self._renew()
        # Somebody may come or leave between the two counts; twice in a row it is a loss.
        short, self._short = self._short, people < min(before, self._people())
        if not had_lease or self._owed or (short and self._short):
            await self._restore()
        # After a fault of Redis nobody has a lease: whoever comes back first must not bury the others.
        if self._teller.now_ms() - self._steady_since >= self._lease:
            for node in dead:
                await self._bury(node)

    def _people(self) -> int:
        """How many people Redis must know to be here."""
        return len({user_id for connection, (user_id, _) in self._devices.items() if connection in self._stored})

    def _lease_is_due(self) -> bool:
        every = milliseconds(self._settings.beat_seconds)
        return self._renewed is None or self._teller.now_ms() - self._renewed >= every

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

    async def _restore(self) -> None:
        """Write what Redis lost, silently; make good what could not be written, and tell that."""
        owed = list(self._owed)
        lost = [
            (user_id, device)
            for connection, (user_id, device) in self._devices.items()
            if connection in self._stored or user_id in self._owed
        ]
        for start in range(0, len(lost), AT_ONCE):
            some = lost[start : start + AT_ONCE]
            await asyncio.gather(*(self._restore_one(user_id, device) for user_id, device in some))
            await self._keep_lease()
        for start in range(0, len(owed), AT_ONCE):
            people = owed[start : start + AT_ONCE]
            await asyncio.gather(*(self._make_good(user_id) for user_id in people))
            self._owed.difference_update(people)
            await self._keep_lease()

    async def _restore_one(self, user_id: str, device: Device) -> None:
        restored = await self._live.restore(user_id, device)
        if device.connection not in self._devices:
            await self._drop(user_id, device.connection)
            return
        self._stored.add(device.connection)
        if restored and user_id not in self._owed:
            await self._teller.settle(user_id)

    async def _make_good(self, user_id: str) -> None:
        mine = {device.connection for owner, device in self._devices.values() if owner == user_id}
        known = (await self._live.look([user_id], now=self._teller.now_ms()))[user_id]
        for device in known.devices:
            if device.node == self._node and device.connection not in mine:
                await self._drop(user_id, device.connection)
        if not known.devices:
            # Redis lost the person, who then left: friends may still take the person for present.
            await self._drop(user_id, "")
        await self._live.forget_told(user_id)
        await self._live.touch(user_id)
        await self._teller.settle(user_id)

    async def _bury(self, node: str) -> None:
        """Remove the devices of a dead process. The grace period has passed: the lease was longer."""
        more = True
        while more:
            now = self._teller.now_ms()
            more, gone = await self._live.clear(node, gone=now - self._grace, due=now)
            self._seen |= dict.fromkeys(gone, self._clock.now())
            await self._keep_lease()
        log.info("process %s is dead, its people count as gone", node)

    async def _write_seen(self) -> None:
        while self._seen:
            some = dict(list(self._seen.items())[:SEEN_AT_ONCE])
            await self._records.seen(some)
            records = await self._records.of(list(some))
            shown = [user_id for user_id, record in records.items() if record.choice != "invisible"]
            for start in range(0, len(shown), AT_ONCE):
                await asyncio.gather(*(self._users.seen(user_id) for user_id in shown[start : start + AT_ONCE]))
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
