"""What travels between processes: an event, written once, and who hears it; or an order to cut connections."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

VERSION = 1


@dataclass(frozen=True, slots=True)
class Frame:
    """One event on its way. `conversation` and `seq` are set for entries of a log, which arrive in order and once.

    `at` is when the entry was appended (seconds since 1970); known for frames that were read from the log, else 0.
    """

    event: str
    payload: Any
    users: Sequence[str]
    conversation: str | None = None
    seq: int = 0
    passing: bool = False
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """An order to every process: close the connections of this user or session, and tell them why."""

    by: Literal["user", "session"]
    id: str
    code: str


Message = Frame | Cut


def pack(node: str, message: Message) -> bytes:
    """The message as bytes, with the process that sent it."""
    if isinstance(message, Cut):
        return orjson.dumps([VERSION, node, "cut", message.by, message.id, message.code])
    return orjson.dumps(
        [
            VERSION,
            node,
            "frame",
            message.event,
            message.payload,
            list(message.users),
            message.conversation,
            message.seq,
            message.passing,
        ]
    )


def unpack(data: bytes) -> tuple[str, Message]:
    """The sender and the message. Raises ValueError for anything that `pack` did not write."""
    try:
        version, node, kind, *rest = orjson.loads(data)
        if version != VERSION:
            raise ValueError(f"version {version} of the hub's frames is not ours ({VERSION})")
        if kind == "cut":
            by, who, code = rest
            return node, Cut(by, who, code)
        event, payload, users, conversation, seq, passing = rest
        return node, Frame(event, payload, users, conversation, seq, passing)
    except (TypeError, ValueError) as error:
        raise ValueError("not a frame of the hub") from error
