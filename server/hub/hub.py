"""The hub: takes events from services and brings each to the sockets of its audience, on every process."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from datetime import datetime
from typing import Any, Literal

from prometheus_client import Counter

from server.clock import Clock
from server.events import Audience, Event, Members, Nobody, Passing, Users
from server.hub.connections import Connection, Connections, Outlet
from server.hub.frames import Cut, Frame, Message
from server.hub.framing import event_frame
from server.hub.listening import Gather, Listening
from server.hub.notices import Behind, Closing, Draining, ServerDrain, SessionClosed, SyncBehind
from server.hub.sequencer import SLACK_SECONDS, Fill, Heads, Sequencer
from server.hub.sockets import DoorServer
from server.models import Output

log = logging.getLogger("mixee.hub")

DELIVERIES = Counter("mixee_deliveries_total", "Events queued for a socket", ["kind"])
DURABLE, PASSING = DELIVERIES.labels("durable"), DELIVERIES.labels("passing")

Heard = Callable[[Event[Any]], Awaitable[None]]


class Hub:
    """One per process. Services reach it through `publish` and `cut` only."""

    def __init__(self, redis_url: str, clock: Clock, *, node: str, namespace: str) -> None:
        self.node = node
        self._clock = clock
        self.connections = Connections()
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
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def listening(self) -> bool:
        """Whether this process hears the others."""
        return self._listening.backplane.listening

    @property
    def size(self) -> int:
        """How many connections there are, those included that are just being let in."""
        return len(self._listening)

    async def enter(self, connection: Connection, outlet: Outlet) -> None:
        """A connection begins here: once this returns, whatever is published for its user is heard.

        Raises what reading the user's conversations raises.
        """
        if await self._listening.enter(connection.user_id, connection.id):
            self.connections.add(connection, outlet)

    def leave(self, connection_id: str) -> Connection | None:
        """A connection has ended; None when it was not here."""
        self._listening.leave(connection_id)
        return self.connections.remove(connection_id)

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

    async def drain(self, seconds: float) -> None:
        """Ask every client of this process to go elsewhere, spread over `seconds`, then end the transports."""
        if self._server is None:
            return
        leaving = self.connections.all()
        for connection in leaving:
            after = random.uniform(0, seconds)
            self.tell(connection, ServerDrain(Draining(reconnect_in_ms=int(after * 1000)), to=Nobody()))
        await self._server.finish(seconds)
        for connection in leaving:
            outlet = self.connections.outlet(connection.id)
            if outlet is not None:
                outlet.hang_up()

    def close(self, connection: Connection, code: str) -> None:
        """End one connection of this process and tell it why."""
        if self._server is not None:
            self.tell(connection, SessionClosed(Closing(code=code), to=Nobody()))
            self._spawn(self._server.disconnect(connection.id))

    def _take(self, message: Message) -> None:
        if isinstance(message, Cut):
            connections = self.connections
            ids = connections.of_user(message.id) if message.by == "user" else connections.of_session(message.id)
            for connection in [connections.get(one) for one in ids]:
                if connection:
                    self.close(connection, message.code)
        elif message.conversation is not None:
            self._sequencer.push(message)
        else:
            self._deliver(message)

    def _anybody(self, frame: Frame) -> bool:
        by_user = self.connections.by_user
        return any(user in by_user for user in frame.users)

    def _deliver(self, frame: Frame) -> bool:
        if frame.spread:
            self._listening.spread(frame)
        by_user, wire, passing, told = self.connections.by_user, frame.wire, frame.passing, 0
        for user in frame.users:
            outlets = by_user.get(user)
            if outlets is not None:
                for outlet in outlets.values():
                    told += outlet.tell(wire, passing=passing)
        if told:
            (PASSING if passing else DURABLE).inc(told)
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
        DURABLE.inc(told)
        return told > 0

    def _lost(self, conversation: str, users: Sequence[str]) -> None:
        """Entries were not told: the clients sync, and one of them may have changed who is in the conversation."""
        self._tell_behind(users, [conversation])
        self._listening.doubt(users)

    def _tell_behind(self, users: Collection[str], conversations: Sequence[str]) -> None:
        """Tell people here that they may have missed something in these conversations; none named: in all."""
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
        case Passing(ids):
            return Frame(event_frame(name, payload), sorted(ids), passing=True)
        case Users(ids):
            return Frame(event_frame(name, payload), sorted(ids))
