"""One Engine.IO session: what its client sends, and what is written to it, over long polling or a WebSocket.

Whatever is written goes one way, frame by frame, so its order holds: acknowledgements, pings and events alike. On an
open WebSocket the frames of one turn of the event loop are joined into one write; otherwise they wait here, within
bounds. A client that does not read is first spared what is passing, then everything (it will be told to sync), and at
last it is cut off (`Slow`).
"""

import asyncio
import contextlib
import enum
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engineio import async_socket

from server.hub.framing import CLOSE_PACKET, PING, binary_frame, payload_of, text_frame
from server.hub.wire import GOING_AWAY, NORMAL, PROTOCOL_ERROR, Wire

if TYPE_CHECKING:
    from server.hub.engine import HubEngine

MAX_PACKETS = 16
"""Packets in one answer to a poll: as many as Engine.IO's Python client takes."""

_PROBE = b"2probe"
_PROBE_ANSWER = text_frame(b"3probe")
_BINARY_FRAME = 0x82


class Flow(enum.IntEnum):
    """How what is written leaves. Only OPEN and LAGGING write to a WebSocket."""

    OPEN = 0
    LAGGING = 1
    """The client reads slower than we write: what is passing is dropped."""
    BEHIND = 2
    """It reads much slower: no events at all, and when it has caught up it is told to sync."""
    HELD = 3
    """It polls, or is changing its transport: frames wait."""
    CLOSED = 4


class Trouble(Exception):
    """A request for a session that makes no sense; the session has ended by it."""


class HubSocket(async_socket.AsyncSocket):  # type: ignore[misc]  # python-engineio has no type information
    """A session of `HubEngine`."""

    def __init__(self, server: "HubEngine", sid: str) -> None:
        # Not the base's: it makes a queue, a clock and a session for each, which nothing here uses.
        self.server = server
        self.sid = sid
        self.connected = True
        self.upgrading = False
        self.upgraded = False
        self.closing = False
        self.closed = False
        self.session: dict[str, Any] = {}
        self.caller: Any = None
        """What the application wants to remember of the request that opened the session."""
        self.namespaces: dict[str, str] = {}
        """The Socket.IO id by namespace."""
        self.flow = Flow.HELD
        self.missed = False
        """Whether an event was dropped."""
        self._gap = False
        """Whether one was dropped, while it polls, that must not be: then none follows before it is told to sync."""
        self._posting = False
        self.since = 0.0
        """Since when the flow is what it is, on the loop's clock."""
        self._wire: Wire | None = None
        self._probe: Wire | None = None
        self._out: list[bytes] = []
        self._poll: asyncio.Future[None] | None = None

    # What is written

    def write(self, frame: bytes) -> None:
        """Write a finished frame that must not be dropped while the session lives: an answer, a ping, a packet."""
        flow = self.flow
        if flow <= Flow.BEHIND:
            if not self._out:
                self.server.dirty(self)
            self._out.append(frame)
        elif flow is Flow.HELD:
            self._hold(frame)

    def tell(self, frame: bytes, *, passing: bool = False) -> bool:
        """Write the finished frame of an event; whether it was taken. One that is `passing` may be dropped."""
        flow = self.flow
        if flow is Flow.OPEN or (flow is Flow.LAGGING and not passing):
            if not self._out:
                self.server.dirty(self)
            self._out.append(frame)
            return True
        if flow is Flow.CLOSED:
            return False
        if flow is Flow.HELD and self._room(passing):
            self._hold(frame)
            return True
        self.missed = True
        self._gap = self._gap or not passing
        return False

    def _room(self, passing: bool) -> bool:
        bounds = self.server.bounds
        most = bounds.waiting // 4 if passing else bounds.waiting
        return not self._gap and len(self._out) < most and sum(map(len, self._out)) < bounds.waiting_bytes

    def _hold(self, frame: bytes) -> None:
        self._out.append(frame)
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        bounds = self.server.bounds
        if len(self._out) > 2 * bounds.waiting or sum(map(len, self._out)) > bounds.dead_bytes:
            self.server.slow(self, "polls too seldom")

    def flush(self) -> None:
        """Write what has gathered in this turn of the event loop."""
        out, wire = self._out, self._wire
        if wire is None or not out:
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        wire.write(data)
        if self.flow is not Flow.OPEN:
            self.weigh(self.since)

    def weigh(self, now: float, patience: float = 0.0) -> None:
        """Decide about a client that lags: `patience` is how long, in seconds, it may go on."""
        wire, bounds = self._wire, self.server.bounds
        if wire is None:
            return
        if wire.waiting > bounds.dead_bytes:
            self.server.slow(self, "too much waits for it")
        elif self.flow is Flow.LAGGING:
            late = bool(patience) and now - self.since > patience
            if late or wire.waiting > bounds.behind_bytes:
                self.flow = Flow.BEHIND

    @property
    def rest(self) -> bool:
        """Whether anything waits that no poll has fetched."""
        return bool(self._out)

    @property
    def waiting(self) -> int:
        """Bytes that the WebSocket has not sent yet."""
        return self._wire.waiting if self._wire is not None else 0

    @property
    def between_polls(self) -> bool:
        """Whether the client polls and no poll is waiting."""
        return not self.upgraded and self._poll is None

    # What a WebSocket brings

    def text(self, data: bytes) -> None:
        """A text message of the WebSocket in use."""
        try:
            self.packet(bytes(data))
        except ValueError:
            self.end(self.server.reason.TRANSPORT_ERROR, code=PROTOCOL_ERROR)

    def binary(self, data: bytes) -> None:
        """A binary message of the WebSocket in use."""
        self.server.heard(self, bytes(data), text=False)

    def ended(self, wire: Wire) -> None:
        """A WebSocket of this session is gone."""
        if wire is self._probe:
            self._probe = None
            self.upgrading = False
        elif wire is self._wire:
            self.end(self.server.reason.TRANSPORT_CLOSE)

    def lagging(self, wire: Wire) -> None:
        """The client reads slower than we write."""
        if wire is self._wire and self.flow is Flow.OPEN:
            self.flow = Flow.LAGGING
            self.server.lags(self)

    def caught_up(self, wire: Wire) -> None:
        """It has read nearly everything."""
        if wire is self._wire and self.flow in (Flow.LAGGING, Flow.BEHIND):
            self.flow = Flow.OPEN
            self.server.caught_up(self)

    def packet(self, data: bytes) -> None:
        """Take one Engine.IO packet. Raises ValueError when it is none."""
        kind = data[:1]
        if kind == b"4":
            self.server.heard(self, data[1:], text=True)
        elif kind == b"3":
            self.server.alive(self)
        elif kind == b"1" and len(data) == 1:
            self.end(self.server.reason.CLIENT_DISCONNECT)
        elif not (kind == b"2" or data == b"6"):
            raise ValueError("no packet of Engine.IO")

    # Long polling

    async def polled(self, gone: Any) -> bytes:
        """What waits, as the body of an answer; waits until there is something. Raises Trouble.

        `gone()` tells whether the client has left: then what waits is not lost with it, but the session ends.
        """
        if self._poll is not None:
            self.write(CLOSE_PACKET)
            self.end(self.server.reason.TRANSPORT_ERROR)
            raise Trouble("a second poll at the same time")
        if self._wire is not None:
            raise Trouble("this session has a WebSocket")
        if self.upgrading and not self._out:
            return b"6"
        if not self._out and not self.closed:
            self._poll = asyncio.get_running_loop().create_future()
            try:
                await self._poll
            finally:
                self._poll = None
        if gone():
            self.end(self.server.reason.TRANSPORT_ERROR)
        taken, self._out = self._out[:MAX_PACKETS], self._out[MAX_PACKETS:]
        if self.closed and not self._out:
            self.server.told(self)
        elif self.missed and not self._out:
            self._gap = False
            self.server.caught_up(self)
        return b"\x1e".join(map(_as_text, taken)) or b"6"

    @contextlib.contextmanager
    def posting(self) -> Iterator[None]:
        """Take one POST at a time, since two would have no order. Raises Trouble for a second."""
        if self._posting:
            raise Trouble("a second POST at the same time")
        self._posting = True
        try:
            yield
        finally:
            self._posting = False

    def posted(self, body: bytes) -> None:
        """Take the packets of a payload. Raises Trouble when one is none; the session has ended then."""
        try:
            for packet in body.split(b"\x1e"):
                if self.closed:
                    return
                if packet[:1] == b"b":
                    self.binary(b64decode(packet[1:], validate=True))
                else:
                    self.packet(packet)
        except ValueError as error:
            self.end(self.server.reason.TRANSPORT_ERROR)
            raise Trouble("that is no packet of Engine.IO") from error

    # Transports

    def open(self, wire: Wire) -> None:
        """The session begins with this WebSocket."""
        self._use(wire)

    def probe(self, wire: Wire) -> "Probe":
        """Let a WebSocket try to take over from polling; an earlier attempt ends."""
        if self._probe is not None:
            self._probe.close(NORMAL)
        self._probe = wire
        self.upgrading = False
        return Probe(self, wire)

    def probed(self, wire: Wire) -> None:
        """The new WebSocket works: let the poll that is under way end, and any that comes before the change."""
        self.upgrading = True
        wire.transport.write(_PROBE_ANSWER)
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def upgrade(self, wire: Wire) -> None:
        """Change over to the new WebSocket; what waits is written to it."""
        self._probe = None
        self.upgrading = False
        wire.reader = self
        self.server.stays(wire)
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        self._use(wire)

    def _use(self, wire: Wire) -> None:
        self._wire = wire
        self.upgraded = True
        self.flow = Flow.OPEN
        if self._out:
            self.server.dirty(self)
        if self.missed:
            self._gap = False
            self.server.caught_up(self)

    def pause(self) -> None:
        """Read nothing more of this client for now."""
        if self._wire is not None:
            self._wire.pause()

    def resume(self) -> None:
        """Read again."""
        if self._wire is not None:
            self._wire.resume()

    def ping(self) -> None:
        """Ask the client whether it is there."""
        self.write(PING)

    def hang_up(self) -> None:
        """End the transport after what was written: the client connects again by itself."""
        self.end(self.server.reason.SERVER_DISCONNECT, code=GOING_AWAY)

    def end(self, reason: str, *, code: int = NORMAL, abort: bool = False) -> None:
        """End the session: its transport, and whatever waits."""
        if self.closed:
            return
        self.closing = self.closed = True
        self.connected = False
        wire, probe = self._wire, self._probe
        if wire is not None and not abort:
            self.flush()
        self.flow = Flow.CLOSED
        self._wire = self._probe = None
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        for one in (wire, probe):
            if one is not None and abort:
                one.abort()
            elif one is not None:
                one.close(code)
                self.server.going(one)
        self.server.ended(self, reason)

    # What the base offers to its server

    async def send(self, pkt: Any) -> None:
        """Send a packet of python-engineio."""
        for frame in _frames_of(pkt):
            self.write(frame)

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:  # noqa: ARG002 - the base's signature
        """End the session."""
        if not abort:
            self.write(CLOSE_PACKET)
        self.end(reason or self.server.reason.SERVER_DISCONNECT, abort=abort)


class Probe:
    """Reads a WebSocket that is to take over from polling."""

    def __init__(self, session: HubSocket, wire: Wire) -> None:
        self._session = session
        self._wire = wire
        self._asked = False

    def text(self, data: bytes) -> None:
        """`2probe` is answered; `5` after it changes over; anything else ends the attempt."""
        if data == _PROBE and not self._asked:
            self._asked = True
            self._session.probed(self._wire)
        elif data == b"5" and self._asked and not self._session.closed:
            self._session.upgrade(self._wire)
        else:
            self._wire.close(PROTOCOL_ERROR)

    def binary(self, data: bytes) -> None:  # noqa: ARG002 - a reader's signature
        """Binary data has no place here."""
        self._wire.close(PROTOCOL_ERROR)

    def ended(self, wire: Wire) -> None:
        """The attempt is over."""
        self._session.ended(wire)

    def lagging(self, wire: Wire) -> None:
        """Next to nothing is written here."""

    def caught_up(self, wire: Wire) -> None:
        """Next to nothing is written here."""


def _as_text(frame: bytes) -> bytes:
    payload = payload_of(frame)
    return b"b" + b64encode(payload) if frame[0] == _BINARY_FRAME else payload


def _frames_of(pkt: Any) -> list[bytes]:
    encoded = pkt.encode()
    return [binary_frame(encoded) if isinstance(encoded, bytes) else text_frame(encoded.encode())]
