"""The hub: takes events from services and brings each to the sockets of its audience, on every process."""

import asyncio
import logging
import random
from collections.abc import Collection, Coroutine, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from prometheus_client import Counter

from server.clock import Clock
from server.events import Audience, Devices, Event, Members, Nobody, Passing, Users
from server.hub.connections import Connection, Connections, Outlet
from server.hub.frames import Claim, Cut, Frame, Handover, Message
from server.hub.framing import event_frame
from server.hub.listening import Gather, Listening
from server.hub.notices import Behind, Closing, Draining, ServerDrain, SessionClosed, SyncBehind
from server.hub.recovering import Recovering
from server.hub.recovery import Kept, Returning
from server.hub.screens import Screens
from server.hub.sequencer import SLACK_SECONDS, Fill, Heads, Sequencer
from server.hub.sockets import DoorServer
from server.models import Output

log = logging.getLogger("mixee.hub")

DELIVERIES = Counter("mixee_deliveries_total", "Events queued for a socket", ["kind"])
DURABLE, PASSING = DELIVERIES.labels("durable"), DELIVERIES.labels("passing")

PATIENCE_SECONDS = 1.0
"""How long after its moment a client that was asked to leave may still be here."""
LOOK_SECONDS = 0.5
"""How often it is looked whether a client has gone by itself."""


class Hub:
    """One per process. Services reach it through `publish` and `cut` only."""

    def __init__(self, redis_url: str, clock: Clock, *, node: str, namespace: str) -> None:
        self.node = node
        self._clock = clock
        self.connections = Connections()
        self.screens = Screens()
        self._server: DoorServer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._since = float("inf")
        self._sequencer = Sequencer(
            deliver=self._deliver,
            late=self._deliver_late,
            local=self._anybody,
            since=lambda: self._since,
            lost=self._lost,
        )
        self._listening = Listening(
            redis_url,
            namespace=namespace,
            node=node,
            heard=self._take,
            behind=self._tell_behind,
            catcher=self._sequencer,
        )
        self._recovering = Recovering(self._listening, node)

    def attach(self, server: DoorServer) -> None:
        """Say which server this process's clients are connected to."""
        self._server = server

    def fills(self, fill: Fill, heads: Heads | None = None) -> None:
        """Say where a conversation's missing entries are read, and the last entries of conversations."""
        self._sequencer.fills(fill, heads)

    def gathers(self, gather: Gather) -> None:
        """Say where the large conversations of people are read."""
        self._listening.gathers(gather)

    async def start(self) -> None:
        """Join the cluster."""
        await self._listening.start()
        self._since = self._clock.now().timestamp()

    async def stop(self) -> None:
        """Leave the cluster."""
        await self._listening.stop()
        await self._sequencer.close()
        self._recovering.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def listening(self) -> bool:
        """Whether this process hears the others."""
        return self._listening.backplane.listening

    @property
    def size(self) -> int:
        """How many connections there are, those included that are just being let in."""
        return len(self._listening)

    async def enter(
        self, connection: Connection, outlet: Outlet, returning: Returning | None = None
    ) -> Sequence[Kept] | None:
        """A connection begins here: once this returns, whatever is published for its user is heard.

        `returning` is for a client that opted in to recovery; what it missed is the result, None when it has to sync.
        The client must be told that it is in before anything else happens. Raises what reading the user's
        conversations raises.
        """
        if not await self._listening.enter(connection.user_id, connection.id):
            return None
        if returning is None:
            self.connections.add(connection, outlet)
            return None
        session, missed = await self._recovering.session(connection, returning)
        if self._listening.here(connection.id):
            self.connections.add(connection, outlet, apart=True)
            self._recovering.begin(connection.id, session, outlet)
        return missed

    def leave(self, connection_id: str) -> Connection | None:
        """A connection has ended; None when it was not here."""
        self._recovering.end(connection_id, self.connections.outlet(connection_id))
        self._listening.leave(connection_id)
        gone = self.connections.remove(connection_id)
        if gone is not None and not self._has(gone.user_id, gone.actor.device_id):
            self.screens.forget(gone.user_id, gone.actor.device_id)
        return gone

    def _has(self, user_id: str, device_id: str) -> bool:
        """Whether a device is connected here."""
        connections = (self.connections.get(one) for one in self.connections.of_user(user_id))
        return any(one is not None and one.actor.device_id == device_id for one in connections)

    def pid(self, connection_id: str) -> str | None:
        """The private id of a connection's session, when it opted in to recovery."""
        return self._recovering.pid(connection_id)

    async def emit(self, event: Event[Any]) -> None:
        """Bring an event to its audience, here at once and on the other processes through the backplane."""
        frame = _frame(event)
        if frame is None:
            return
        self._take(frame)
        self._listening.backplane.send(frame)

    async def cut(self, *, by: Literal["user", "session"], who: str, code: str) -> None:
        """Close the connections of a user or a session on every process; `code` tells the client why."""
        order = Cut(by, who, code)
        self._take(order)
        self._listening.backplane.send(order)

    def tell(self, connection: Connection, event: Event[Any]) -> None:
        """Tell one connection of this process."""
        outlet = self.connections.outlet(connection.id)
        if outlet is not None:
            outlet.tell(event_frame(event.name, event.payload))

    def replay(self, connection: Connection, missed: Sequence[Kept]) -> None:
        """Tell a connection what it has missed."""
        outlet = self.connections.outlet(connection.id)
        if outlet is not None:
            for _, frame in missed:
                outlet.tell(frame)

    async def drain(self, seconds: float) -> None:
        """Ask every client of this process to go elsewhere, each at a moment of its own within `seconds`.

        The transport of a client that is still here soon after its moment is closed. It is never disconnected: a
        JavaScript client would not come back by itself. At the end no client is left and what they asked for is done.
        """
        if self._server is None:
            return
        loop = asyncio.get_running_loop()
        began, patience = loop.time(), min(PATIENCE_SECONDS, seconds / 4)
        leaving = sorted((random.uniform(0, seconds), one.id) for one in self.connections.all())
        for after, id_ in leaving:
            connection = self.connections.get(id_)
            if connection is not None:
                self.tell(connection, ServerDrain(Draining(reconnect_in_ms=int(after * 1000)), to=Nobody()))
        for after, id_ in leaving:
            while (left := began + after + patience - loop.time()) > 0:
                if self.connections.get(id_) is None:
                    break
                await asyncio.sleep(min(left, LOOK_SECONDS))
            self._hang_up(id_)
        for connection in self.connections.all():  # who was just being let in
            self._hang_up(connection.id)
        await self._server.finish(seconds)

    def _hang_up(self, connection_id: str) -> None:
        outlet = self.connections.outlet(connection_id)
        if outlet is not None:
            outlet.hang_up()

    def close(self, connection: Connection, code: str) -> None:
        """End one connection of this process and tell it why."""
        if self._server is not None:
            self.tell(connection, SessionClosed(Closing(code=code), to=Nobody()))
            self._spawn(self._server.disconnect(connection.id))

    def _take(self, message: Message) -> None:
        if isinstance(message, Cut):
            self._cut(message)
        elif isinstance(message, Claim | Handover):
            self._recovering.take(message)
        elif message.conversation is not None:
            self._sequencer.push(message)
        else:
            self._deliver(message)

    def _cut(self, order: Cut) -> None:
        connections = self.connections
        self._recovering.forget(order.by, order.id)
        ids = connections.of_user(order.id) if order.by == "user" else connections.of_session(order.id)
        for connection in [connections.get(one) for one in ids]:
            if connection:
                self.close(connection, order.code)

    def _anybody(self, frame: Frame) -> bool:
        by_user = self.connections.by_user
        return any(user in by_user for user in frame.users) or self._recovering.sessions.anybody(frame.users)

    def _deliver(self, frame: Frame) -> bool:
        if frame.spread:
            self._listening.spread(frame)
        if frame.where is not None:
            return self._deliver_where(frame, frame.where)
        by_user, wire, passing, told = self.connections.by_user, frame.wire, frame.passing, 0
        for user in frame.users:
            outlets = by_user.get(user)
            if outlets is not None:
                chosen = self._of_devices(outlets, frame.devices) if frame.devices else outlets.values()
                for outlet in chosen:
                    told += outlet.tell(wire, passing=passing)
        told += self._recovering.sessions.deliver(frame)
        if told:
            (PASSING if passing else DURABLE).inc(told)
        return told > 0

    def _of_devices(self, outlets: Mapping[str, Outlet], devices: Collection[str]) -> Iterator[Outlet]:
        for id_, outlet in outlets.items():
            connection = self.connections.get(id_)
            if connection is not None and connection.actor.device_id in devices:
                yield outlet

    def _deliver_where(self, frame: Frame, where: str) -> bool:
        """Tell those devices that show something."""
        connections, told = self.connections, 0
        for user in frame.users:
            for id_, outlet in connections.by_user.get(user, {}).items():
                connection = connections.get(id_)
                if connection and self.screens.shows(user, connection.actor.device_id, where):
                    told += outlet.tell(frame.wire, passing=True)
        told += self._recovering.sessions.deliver(
            frame, shown=lambda user, device: self.screens.shows(user, device, where)
        )
        PASSING.inc(told)
        return told > 0

    def _deliver_late(self, frame: Frame) -> bool:
        """Tell an entry that was missed to the connections that were there when it was appended."""
        if frame.spread:
            self._listening.spread(frame)
        until, told = frame.at + SLACK_SECONDS if frame.at else float("inf"), 0
        for user in frame.users:
            for id_, outlet in self.connections.by_user.get(user, {}).items():
                connection = self.connections.get(id_)
                if connection and connection.since.timestamp() < until:
                    told += outlet.tell(frame.wire)
        told += self._recovering.sessions.deliver(frame, before=until)
        DURABLE.inc(told)
        return told > 0

    def _lost(self, conversation: str, users: Sequence[str]) -> None:
        """Entries were not told: the clients sync, and one of them may have changed who is in the conversation."""
        self._tell_behind(users, [conversation])
        self._listening.doubt(users)

    def _tell_behind(self, users: Collection[str], conversations: Sequence[str]) -> None:
        """Tell people here that they may have missed something in these conversations; none named: in all."""
        if not conversations:
            self._recovering.doubt(users)
        frame = _frame(SyncBehind(Behind(conversation_ids=list(conversations)), to=Users(users)))
        if frame:
            self._deliver(frame)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _frame(event: Event[Any]) -> Frame | None:
    return frame_of(event.name, event.payload, event.to)


def frame_of(name: str, payload: Output, to: Audience, *, at: datetime | None = None) -> Frame | None:
    """An event as it travels; None when no client hears it. `at` is when an entry that is read again was appended."""
    match to:
        case Nobody():
            return None
        case Members():
            hidden = to.everybody is not None and len(to.everybody) != len(to.ids)
            return Frame(
                event_frame(name, payload),
                sorted(to.ids),
                to.conversation_id,
                to.seq,
                at=at.timestamp() if at else 0.0,
                spread=to.spread,
                members=sorted(to.everybody or ()) if hidden else (),
            )
        case Passing(ids, where):
            return Frame(event_frame(name, payload), sorted(ids), passing=True, where=where)
        case Devices(user_id, ids):
            return Frame(event_frame(name, payload), [user_id], devices=sorted(ids)) if ids else None
        case Users(ids):
            return Frame(event_frame(name, payload), sorted(ids))
