"""What travels between processes: an event, framed once, and who hears it; or an order about connections."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from server.hub.framing import event_frame, payload_of, text_frame

VERSION = 2
WITH_DEVICES = 3
"""The version of frames for some devices alone: processes of older releases must not take them for entries of a log."""

_HEAD = struct.Struct(">BBQHHI")
"""Version, flags, seq, and the lengths of: the sender's name, the conversation's id, the ids of the users."""
_SENDER_SIZE = 11
"""Where the (lower byte of the) length of the sender's name is; names are shorter than 256 bytes."""

_CUT, _PASSING, _SPREAD, _CLAIM, _HANDOVER, _DEVICES, _WHERE = 1, 2, 4, 8, 16, 32, 64
_ORDER = _CUT | _CLAIM | _HANDOVER
_SEPARATOR = "\0"
"""Between ids of devices, which clients choose: the one character that they cannot hold."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event on its way. `conversation` and `seq` are set for entries of a log, which arrive in order and once.

    `wire` is the finished WebSocket frame. `at` is when the entry was appended (seconds since 1970); known for frames
    that were read from the log, else 0. `spread` marks an entry that changes who is in the conversation.
    `members` is everybody in the conversation, when the audience is less: the processes of all of them must learn that
    the entry's place is taken. Only the process that sends the frame knows `members` and `at`; they do not travel.
    `devices` are the only ones of its user that hear it; a frame that has any has one user and no place in a log.
    `where` is what a device must show to hear it; such a frame has no place in a log either.
    """

    wire: bytes
    users: Sequence[str]
    conversation: str | None = None
    seq: int = 0
    passing: bool = False
    at: float = 0.0
    spread: bool = False
    members: Sequence[str] = ()
    devices: Sequence[str] = ()
    where: str | None = None

    @classmethod
    def of(
        cls, event: str, payload: Any, users: Sequence[str], conversation: str | None = None, seq: int = 0
    ) -> "Frame":
        """The frame of an event whose payload is what JSON can say."""
        return cls(event_frame(event, payload), users, conversation, seq)


@dataclass(frozen=True, slots=True)
class Cut:
    """An order to every process: close the connections of this user or session, and tell them why."""

    by: Literal["user", "session"]
    id: str
    code: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The client of a session (see `recovery`) has come to the process `by`, which wants to have the session."""

    pid: str
    by: str
    owner: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Handover:
    """A session for the process `to`: its events, each with its offset."""

    pid: str
    to: str
    frames: Sequence[tuple[str, bytes]]


Order = Cut | Claim | Handover
Message = Frame | Order


def pack(node: str, message: Message) -> bytes:
    """The message as bytes, with the process that sent it. Ids hold no comma."""
    sender = node.encode()
    if not isinstance(message, Frame):
        kind, order = _pack_order(message)
        return _HEAD.pack(VERSION, kind, 0, len(sender), 0, 0) + sender + orjson.dumps(order)
    conversation = (message.conversation or "").encode()
    users = ",".join(message.users).encode()
    flags = (_PASSING if message.passing else 0) | (_SPREAD if message.spread else 0)
    head = _HEAD.pack(VERSION, flags, message.seq, len(sender), len(conversation), len(users))
    return b"".join((head, sender, conversation, users, message.wire))


def _pack_order(order: Order) -> tuple[int, list[Any]]:
    match order:
        case Cut(by, who, code):
            return _CUT, [by, who, code]
        case Claim(pid, process, owner):
            return _CLAIM, [pid, process, owner]
        case Handover(pid, process, frames):
            return _HANDOVER, [pid, process, [(offset, payload_of(frame).decode()) for offset, frame in frames]]


def _unpack_order(flags: int, data: bytes) -> Order:
    first, second, third = orjson.loads(data)
    if flags & _CUT:
        return Cut(first, second, third)
    if flags & _CLAIM:
        user, session, device = third
        return Claim(first, second, (user, session, device))
    return Handover(first, second, [(offset, text_frame(text.encode())) for offset, text in third])


def pack_for_each(node: str, frame: Frame) -> Iterator[tuple[str, bytes]]:
    """A frame without a place in a log, packed for each of its users alone: nobody else's name goes to his channel."""
    sender, wire = node.encode(), frame.wire
    # What narrows the audience travels where others have their conversation.
    narrow = (frame.where or _SEPARATOR.join(frame.devices)).encode()
    flags = (_PASSING if frame.passing else 0) | ((_WHERE if frame.where else _DEVICES) if narrow else 0)
    for user in frame.users:
        name = user.encode()
        version = WITH_DEVICES if narrow else VERSION
        head = _HEAD.pack(version, flags, 0, len(sender), len(narrow), len(name))
        yield user, b"".join((head, sender, narrow, name, wire))


def sent_by(data: bytes, node: bytes) -> bool:
    """Whether a packed message is of this process, told without unpacking it."""
    return data.startswith(node, _HEAD.size) and data[_SENDER_SIZE] == len(node)


def unpack(data: bytes) -> tuple[str, Message]:
    """The sender and the message. Raises ValueError for anything that `pack` did not write."""
    try:
        version, flags, seq, sender_size, conversation_size, users_size = _HEAD.unpack_from(data)
        if version != (WITH_DEVICES if flags & (_DEVICES | _WHERE) else VERSION):
            raise ValueError(f"version {version} of the hub's frames is not ours ({VERSION})")
        start = _HEAD.size + sender_size
        sender = data[_HEAD.size : start].decode()
        if flags & _ORDER:
            return sender, _unpack_order(flags, data[start:])
        after = start + conversation_size
        where = data[start:after].decode()
        users = data[after : after + users_size].decode()
        wire = data[after + users_size :]
        if len(data) < after + users_size + 2:
            raise ValueError("it ends too early")
    except (struct.error, UnicodeDecodeError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"not a message of the hub: {error}") from error
    passing, spread, people = bool(flags & _PASSING), bool(flags & _SPREAD), users.split(",") if users else []
    if flags & _DEVICES:
        return sender, Frame(wire, people, passing=passing, devices=where.split(_SEPARATOR))
    if flags & _WHERE:
        return sender, Frame(wire, people, passing=passing, where=where)
    return sender, Frame(wire, people, where or None, seq, passing=passing, spread=spread)
