"""Many clients in one thread: they answer pings, count what they are told, and hand on answers.

A generator must cost less than the servers it measures, so nothing here is decoded: frames are stepped over by their
lengths, and an event is known by its first bytes.
"""

import select
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from bench.websocket import PING, PONG, Handshake

EVENT = b'42["message:new"'
"""How the frame of a message begins."""
ACK = b"43"
HOST = "127.0.0.1"
FINE = b'[{"ok":true'
READ = 1 << 16
AT_ONCE = 32
"""Handshakes under way at a time."""
PATIENCE = 30.0
"""Seconds without any progress after which a crowd gives up."""
SOURCES = 8
"""Addresses 127.0.0.x that clients come from: one has 28,000 ports."""
_RESET = struct.pack("ii", 1, 0)

OnAnswer = Callable[["Member", int, bool], None]
"""What happens with an answer: whose it is, to which event, and whether it says ok."""


class Lost(ConnectionError):
    """A connection ended, or a server does not answer any more."""


class Greeting(Protocol):
    """A handshake under way: `websocket.Handshake`, or another protocol's."""

    first: bytes
    """What the client begins with."""
    rest: bytes
    """What the server said behind the handshake."""

    def hear(self, data: bytes) -> bytes | None:
        """Take what the server said: what to send now (maybe nothing), or None once the connection is in."""
        ...


class Member:
    """One client."""

    __slots__ = ("fd", "handshake", "heard", "rest", "sock")

    def __init__(self, sock: socket.socket, handshake: Greeting | None) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.handshake = handshake
        """Set until the connection is in."""
        self.rest = b""
        self.heard = 0
        """Events of the wanted kind so far."""

    def say(self, frame: bytes) -> None:
        """Send a frame. It is small and the server reads, so it fits the socket's buffer. Raises Lost."""
        try:
            whole = self.sock.send(frame) == len(frame)
        except BlockingIOError:
            whole = False
        if not whole:
            raise Lost("the server does not read")

    def close(self, *, abruptly: bool = False) -> None:
        """Hang up; abruptly, no port of ours is kept waiting."""
        if abruptly:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.sock.close()


class Crowd:
    """Clients of one server, which `name` is. `event` is how the frames begin that count."""

    def __init__(self, name: str, port: int, *, event: bytes = EVENT) -> None:
        self._name = name
        self._place = (HOST, port)
        self._event = event
        self._poll = select.epoll()
        self._members: dict[int, Member] = {}
        self.people: list[Member] = []
        self.heard = 0
        """Events of all members so far."""
        self.refused = 0
        """Answers that were not ok."""
        self.on_answer: OnAnswer = ignore
        self.tape: list[bytes] | None = None
        """A list keeps what the server says, as it came."""

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up all clients."""
        for member in self.people:
            member.close(abruptly=True)
        self.people.clear()
        self._members.clear()
        self._poll.close()

    def join(self, auths: Sequence[bytes]) -> None:
        """Connect a client for each of these CONNECT payloads. Raises Lost, Unexpected."""
        waiting = list(reversed(auths))
        entering: set[Member] = set()
        while waiting or entering:
            while waiting and len(entering) < AT_ONCE:
                entering.add(self.enter(waiting.pop(), len(self.people)))
            self._await_any()
            entering = {one for one in entering if one.handshake is not None}

    def enter(self, auth: bytes, number: int = 0) -> Member:
        """Begin to connect one client; it is in once its `handshake` is None."""
        greeting = self.greeting(auth)
        member = self._open(greeting, number)
        member.say(greeting.first)
        return member

    def greeting(self, auth: bytes) -> Greeting:
        """The handshake of a client who shows this."""
        return Handshake(*self._place, auth)

    def plug(self, count: int) -> None:
        """Connect clients that only listen to bytes, without any handshake."""
        for number in range(count):
            self._open(None, number)

    def leave(self, member: Member) -> None:
        """Hang one client up."""
        self._poll.unregister(member.fd)
        del self._members[member.fd]
        self.people.remove(member)
        member.close(abruptly=True)

    def pump(self, seconds: float) -> bool:
        """Read what is there, waiting for the first of it at most so long; whether there was anything."""
        ready = self._poll.poll(seconds, 1024)
        for fd, _ in ready:
            member = self._members.get(fd)
            if member is None:
                continue
            try:
                data = member.sock.recv(READ)
            except BlockingIOError:
                continue
            if not data:
                raise Lost(f"{self._name} hung up on client {self.people.index(member)}")
            if member.handshake is not None:
                data = self._greet(member, data)
            if data:
                self.step(member, member.rest + data if member.rest else data)
        return bool(ready)

    def linger(self, seconds: float) -> None:
        """Read for so long: greetings, pings, what is still on its way."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self.pump(left)

    def _open(self, greeting: Greeting | None, number: int) -> Member:
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen at connect
        sock.bind((f"127.0.0.{1 + number % SOURCES}", 0))
        sock.connect(self._place)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        member = Member(sock, greeting)
        self._members[member.fd] = member
        self.people.append(member)
        self._poll.register(member.fd, select.EPOLLIN)
        return member

    def _greet(self, member: Member, data: bytes) -> bytes:
        """Go on with the handshake; what came behind it."""
        handshake = member.handshake
        if handshake is None:
            return data
        answer = handshake.hear(data)
        if answer is None:
            member.handshake = None
            return handshake.rest
        if answer:
            member.say(answer)
        return b""

    def step(self, member: Member, data: bytes) -> None:
        """Count the frames in `data`."""
        event, size, at, heard = self._event, len(data), 0, 0
        if self.tape is not None:
            self.tape.append(data)
        while size - at >= 2:
            start = at + 2
            length = data[at + 1]
            if length > 125:
                wide = 2 if length == 126 else 8
                if size - start < wide:
                    break
                length = int.from_bytes(data[start : start + wide], "big")
                start += wide
            end = start + length
            if end > size:
                break
            at = end
            if data.startswith(event, start):
                heard += 1
            elif data.startswith(ACK, start):
                bracket = data.index(b"[", start)
                fine = data.startswith(FINE, bracket)
                self.refused += not fine
                self.on_answer(member, int(data[start + 2 : bracket]), fine)
            elif length and data[start] == PING and length == 1:
                member.say(PONG)
        member.rest = data[at:] if at < size else b""
        member.heard += heard
        self.heard += heard

    def _await_any(self) -> None:
        if not self.pump(PATIENCE):
            raise Lost(f"{self._name} says nothing any more")


def tend(crowds: Iterable[Crowd]) -> None:
    """Let crowds that are not measured now answer pings, so that their servers keep them."""
    for crowd in crowds:
        while crowd.pump(0):
            pass


def ignore(_: Member, __: int, ___: bool) -> None:
    """Do nothing with an answer."""
