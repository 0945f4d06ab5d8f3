"""The hub: takes events from services and brings each to the sockets of its audience, on every process."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Literal

from prometheus_client import Counter

from server.clock import Clock
from server.events import Audience, Event, Members, Nobody, Passing, Users
from server.hub.backplane import Backplane
from server.hub.connections import Connection, Connections, Outlet
from server.hub.frames import Cut, Frame, Message
from server.hub.framing import event_frame
from server.hub.notices import Behind, Closing, Draining, ServerDrain, SessionClosed, SyncBehind
from server.hub.recovery import Kept, Recoverable, Recoveries, Returning
from server.hub.sequencer import SLACK_SECONDS, Fill, Sequencer
from server.hub.sockets import DoorServer
from server.models import Output
from storage.redis import Redis

log = logging.getLogger("mixee.hub")

DELIVERIES = Counter("mixee_deliveries_total", "Events queued for a socket", ["kind"])
DURABLE, PASSING = DELIVERIES.labels("durable"), DELIVERIES.labels("passing")

Heard = Callable[[Event[Any]], Awaitable[None]]


class Hub:
    """One per process. Services reach it through `publish` and `cut` only."""

    def __init__(self, redis: Redis, clock: Clock, *, node: str, channel: str) -> None:
        self.node = node
        self._clock = clock
        self.connections = Connections()
        self._recoveries = Recoveries()
        self._sessions: dict[str, Recoverable] = {}
        """The sessions of connections that opted in to recovery."""
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
        self._backplane = Backplane(redis, channel=channel, node=node, heard=self._take, interrupted=self._interrupted)

    def attach(self, server: DoorServer) -> None:
        """Say which server this process's clients are connected to."""
        self._server = server

    def fills(self, fill: Fill) -> None:
        """Say where a conversation's missing entries are read."""
        self._sequencer.fills(fill)

    async def start(self) -> None:
        """Join the cluster."""
        await self._backplane.start()
        self._since = self._clock.now().timestamp()

    async def stop(self) -> None:
        """Leave the cluster."""
        await self._backplane.stop()
        await self._sequencer.close()
        self._recoveries.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def listening(self) -> bool:
        """Whether this process hears the others."""
        return self._backplane.listening

    def enter(self, connection: Connection, outlet: Outlet, session: Recoverable | None = None) -> None:
        """A connection begins here; the client must be told so before anything else happens."""
        self.connections.add(connection, outlet, apart=session is not None)
        if session is not None:
            self._sessions[connection.id] = session
            self._recoveries.back(session, outlet)

    def leave(self, connection_id: str) -> Connection | None:
        """A connection has ended; None when it was not here."""
        session = self._sessions.pop(connection_id, None)
        if session is not None:
            self._recoveries.left(session, self.connections.outlet(connection_id))
        return self.connections.remove(connection_id)

    async def recover(
        self, connection: Connection, returning: Returning | None
    ) -> tuple[Recoverable, Sequence[Kept] | None]:
        """The session of a connection that opted in, and what it missed; None when it begins anew."""
        known = self._recoveries.get(returning.pid) if returning else None
        if known is not None and returning is not None and known.belongs_to(connection):
            known.detach()
            missed = known.after(returning.offset)
            if missed is not None:
                return known, missed
            self._recoveries.drop(known.pid)
        return self._recoveries.start(self.node, connection), None

    def pid(self, connection_id: str) -> str | None:
        """The private id of a connection's session, when it opted in."""
        session = self._sessions.get(connection_id)
        return session.pid if session else None

    async def emit(self, event: Event[Any]) -> None:
        """Bring an event to its audience, here at once and on the other processes through the backplane."""
        frame = _frame(event)
        if frame is None:
            return
        self._take(frame)
        self._backplane.send(frame)

    async def cut(self, *, by: Literal["user", "session"], who: str, code: str) -> None:
        """Close the connections of a user or a session on every process; `code` tells the client why."""
        order = Cut(by, who, code)
        self._take(order)
        self._backplane.send(order)

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
            for session in self._recoveries.of(message.by, message.id):
                self._recoveries.drop(session.pid)
            for connection in [connections.get(one) for one in ids]:
                if connection:
                    self.close(connection, message.code)
        elif message.conversation is not None:
            self._sequencer.push(message)
        else:
            self._deliver(message)

    def _anybody(self, frame: Frame) -> bool:
        by_user = self.connections.by_user
        return any(user in by_user for user in frame.users) or self._recoveries.anybody(frame.users)

    def _deliver(self, frame: Frame) -> None:
        by_user, wire, passing, told = self.connections.by_user, frame.wire, frame.passing, 0
        for user in frame.users:
            outlets = by_user.get(user)
            if outlets is not None:
                for outlet in outlets.values():
                    told += outlet.tell(wire, passing=passing)
        told += self._recoveries.deliver(frame)
        if told:
            (PASSING if passing else DURABLE).inc(told)

    def _deliver_late(self, frame: Frame) -> None:
        """Tell an entry that was missed to the connections that were there when it was appended."""
        for user in frame.users:
            for id_, outlet in self.connections.by_user.get(user, {}).items():
                connection = self.connections.get(id_)
                if connection and connection.since.timestamp() < frame.at + SLACK_SECONDS:
                    DURABLE.inc(outlet.tell(frame.wire))
        DURABLE.inc(self._recoveries.deliver(frame, before=frame.at + SLACK_SECONDS))

    def _lost(self, conversation: str, users: Sequence[str]) -> None:
        notice = SyncBehind(Behind(conversation_ids=[conversation]), to=Users(users))
        frame = _frame(notice)
        if frame:
            self._deliver(frame)

    async def _interrupted(self) -> None:
        """After a gap in the backplane, tell every client of this process that it may have missed something."""
        self._sequencer.forget()
        self._recoveries.drop_absent()
        notice = SyncBehind(Behind(conversation_ids=[]), to=Nobody())
        for connection in self.connections.all():
            self.tell(connection, notice)

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
        case Members(conversation_id, seq, ids):
            when = at.timestamp() if at else 0.0
            return Frame(event_frame(name, payload), sorted(ids), conversation_id, seq, at=when)
        case Passing(ids):
            return Frame(event_frame(name, payload), sorted(ids), passing=True)
        case Users(ids):
            return Frame(event_frame(name, payload), sorted(ids))
