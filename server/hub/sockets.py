"""The Socket.IO server behind which the application is: every event goes to its door, and is answered exactly once."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol

from aiohttp import web
from socketio import exceptions

from server.hub.connections import Outlet
from server.hub.packets import ACK, Packet, ack_frame
from server.hub.server import HubServer, Line
from server.hub.session import HubSocket

NAMESPACE = "/"


class Refused(Exception):
    """A connection that the door does not let in; `data` is what the client sees in `connect_error`."""

    def __init__(self, message: str, data: dict[str, Any]) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class Door(Protocol):
    """What the Socket.IO server needs to know about the application."""

    def arrives(self, request: web.Request) -> Any:
        """What to remember of the request that opened a session; `connect` gets it."""
        ...

    async def connect(self, sid: str, outlet: Outlet, caller: Any, auth: Any) -> None:
        """Let a connection in, or raise Refused."""
        ...

    async def connected(self, sid: str) -> None:
        """The client knows that it is in."""
        ...

    async def disconnected(self, sid: str, reason: str) -> None:
        """The connection is gone."""
        ...

    def caught_up(self, sid: str) -> None:
        """A client that had missed events reads again."""
        ...

    async def event(self, sid: str, name: str, arguments: list[Any]) -> Any:
        """Handle an event and return the one answer, or an awaitable of it when its second half is still to come."""
        ...


class DoorServer(HubServer):
    """Brings connections and events to the door, in the one namespace that there is."""

    def __init__(self, door: Door, **options: Any) -> None:
        super().__init__(namespaces=[NAMESPACE], **options)
        self._door = door

    def remember(self, socket: HubSocket, request: web.Request) -> None:
        """Keep what the door wants."""
        socket.caller = self._door.arrives(request)

    async def admit(self, socket: HubSocket, namespace: str, sid: str, auth: Any) -> Any:  # noqa: ARG002 - there is one
        """Ask the door."""
        try:
            await self._door.connect(sid, socket, socket.caller, auth)
        except Refused as refusal:
            raise exceptions.ConnectionRefusedError(refusal.message, refusal.data) from refusal

    async def welcome(self, socket: HubSocket, namespace: str, sid: str) -> None:  # noqa: ARG002 - there is one
        """Tell the door."""
        await self._door.connected(sid)

    async def left(self, namespace: str, sid: str, reason: str) -> None:  # noqa: ARG002 - there is one
        """Tell the door."""
        await self._door.disconnected(sid, reason)

    def caught_up(self, socket: HubSocket) -> None:
        """Tell the door, which knows what to tell the client."""
        socket.missed = False
        for sid in socket.namespaces.values():
            self._door.caught_up(sid)

    async def _event(self, socket: HubSocket, line: Line, sid: str, packet: Packet) -> None:
        answer = await self._door.event(sid, packet.data[0], packet.data[1:])
        if not isinstance(answer, Awaitable):
            self._answer(socket, packet, answer)
            return
        line.under_way += 1
        self._spawn(self._later(socket, line, packet, answer))
        if line.under_way >= self._max_in_flight:
            line.gate = asyncio.get_running_loop().create_future()
            await line.gate

    async def _later(self, socket: HubSocket, line: Line, packet: Packet, answer: Awaitable[Any]) -> None:
        try:
            self._answer(socket, packet, await answer)
        finally:
            line.under_way -= 1
            if line.gate is not None and not line.gate.done():
                line.gate.set_result(None)
            if line.paused or line.rooms:
                self._make_room(socket, line)
            if line.idle:
                self._lines.pop(socket, None)

    def _answer(self, socket: HubSocket, packet: Packet, answer: Any) -> None:
        if packet.id is None:
            return
        if packet.namespace == NAMESPACE:
            socket.write(ack_frame(packet.id, answer))
        else:
            self._write(socket, ACK, packet.namespace, [answer], packet.id)
