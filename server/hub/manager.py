"""Who is connected to which namespace and in which room, with every step at the price of what it touches.

python-socketio's own manager looks through every room at each disconnect, and makes a task for each recipient.
"""

from collections.abc import Iterator
from typing import Any

from socketio import AsyncManager

from server.hub.packets import EVENT, frames
from server.hub.session import HubSocket


class HubManager(AsyncManager):  # type: ignore[misc]  # python-socketio has no type information
    """python-socketio's manager with an index of the rooms of each connection.

    The room of all connections (None) and that of each connection (its own id) are not kept: they follow.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sockets: dict[str, dict[str, HubSocket]] = {}
        self._members: dict[tuple[str, str], dict[str, HubSocket]] = {}
        self._rooms: dict[str, set[str]] = {}
        self.held: dict[str, list[bytes]] = {}
        """Frames for connections that are not told yet that they are in: these must come after that."""

    def enter(self, sid: str, namespace: str, socket: HubSocket) -> None:
        """A connection begins."""
        self._sockets.setdefault(namespace, {})[sid] = socket
        socket.namespaces[namespace] = sid

    def leave(self, sid: str, namespace: str) -> None:
        """A connection has ended."""
        for room in self._rooms.pop(sid, ()):
            self._drop(sid, namespace, room)
        inside = self._sockets.get(namespace, {})
        socket = inside.pop(sid, None)
        if socket is not None:
            socket.namespaces.pop(namespace, None)
        if not inside:
            self._sockets.pop(namespace, None)
        self.callbacks.pop(sid, None)
        self.held.pop(sid, None)

    def socket_of(self, sid: str, namespace: str = "/") -> HubSocket | None:
        """The session below a connection."""
        return self._sockets.get(namespace, {}).get(sid)

    async def emit(  # noqa: PLR0917 - the base's signature
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **_: Any,
    ) -> None:
        """Tell an event, encoded once for all who hear it."""
        arguments = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        skip = skip_sid if isinstance(skip_sid, list) else [skip_sid]
        shared = None if callback else frames(EVENT, namespace, [event, *arguments])
        for sid, socket in list(self._inside(namespace, to or room)):
            if sid in skip:
                continue
            ours = shared or frames(EVENT, namespace, [event, *arguments], self._generate_ack_id(sid, callback))
            held = self.held.get(sid)
            if held is not None:
                held += ours
            else:
                for frame in ours:
                    socket.write(frame)

    def _inside(self, namespace: str, room: Any) -> Iterator[tuple[str, HubSocket]]:
        everybody = self._sockets.get(namespace, {})
        if room is None:
            return iter(everybody.items())
        rooms = [room] if isinstance(room, str) else list(room)
        found: dict[str, HubSocket] = {}
        for one in rooms:
            found.update({one: everybody[one]} if one in everybody else self._members.get((namespace, one), {}))
        return iter(found.items())

    # What the base's methods ask

    def get_namespaces(self) -> Any:
        """Names of the namespaces in which anybody is."""
        return self._sockets.keys()

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        """Pairs of a connection's id and that of its session."""
        return ((sid, socket.sid) for sid, socket in list(self._inside(namespace, room)))

    def is_connected(self, sid: str | None, namespace: str) -> bool:
        """Whether the connection is in, and told so."""
        return sid is not None and sid in self._sockets.get(namespace, {}) and sid not in self.held

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        """The connection of a session."""
        socket = self.server.eio.sockets.get(eio_sid)
        return socket.namespaces.get(namespace) if socket is not None else None

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        """The session of a connection."""
        socket = self.socket_of(sid, namespace)
        return socket.sid if socket is not None else None

    def pre_disconnect(self, sid: str, namespace: str) -> str | None:
        """The session of a connection that is about to end."""
        return self.eio_sid_from_sid(sid, namespace)

    def basic_disconnect(self, sid: str, namespace: str, **_: Any) -> None:
        """Forget a connection."""
        self.leave(sid, namespace)

    def is_sid_room(self, namespace: str, room: Any) -> bool:
        """Whether a room is that of one connection."""
        return room in self._sockets.get(namespace, {})

    def basic_enter_room(self, sid: str, namespace: str, room: Any, eio_sid: str | None = None) -> None:  # noqa: ARG002 - the base's signature
        """Enter a room. Raises ValueError for somebody who is not connected, and for the room of a connection."""
        socket = self.socket_of(sid, namespace)
        if socket is None:
            raise ValueError("sid is not connected to requested namespace")
        if sid != room and self.is_sid_room(namespace, room):
            raise ValueError("cannot enter a sid room")
        if room is not None and room != sid:
            self._members.setdefault((namespace, room), {})[sid] = socket
            self._rooms.setdefault(sid, set()).add(room)

    def basic_leave_room(self, sid: str, namespace: str, room: Any) -> None:
        """Leave a room."""
        rooms = self._rooms.get(sid)
        if rooms is not None and room in rooms:
            rooms.discard(room)
            self._drop(sid, namespace, room)
            if not rooms:
                del self._rooms[sid]

    def basic_close_room(self, room: Any, namespace: str) -> None:
        """Let everybody leave a room. Raises ValueError for the room of a connection."""
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot close a sid room")
        for sid in list(self._members.get((namespace, room), ())):
            self.basic_leave_room(sid, namespace, room)

    def get_rooms(self, sid: str, namespace: str) -> list[Any]:
        """The rooms of a connection, its own among them."""
        return [sid, *self._rooms.get(sid, ())] if self.is_sid_room(namespace, sid) else []

    def _drop(self, sid: str, namespace: str, room: str) -> None:
        members = self._members.get((namespace, room), {})
        members.pop(sid, None)
        if not members:
            self._members.pop((namespace, room), None)
