"""The history of a run: what each client asked, was answered and saw, one JSON object a line, in the order it happened.

One process writes it, so the order of the lines is the order of time and the checker needs no clocks to compare.
A client is one device; a session is one connection of a client, from `up` to `down`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import orjson

Record = dict[str, Any]
Change = Literal["add", "remove"]

FLUSH_BYTES = 1 << 20


class Said(NamedTuple):
    """What makes a message itself: two different ones at one place of a log are a fault."""

    sender: str
    id: str
    body: str


class History:
    """Takes what happens, as records, in the order in which it happens."""

    def __init__(self, write: Callable[[Record], None], clock: Callable[[], float]) -> None:
        self._write = write
        self._clock = clock

    def client(self, client: str, user: str) -> None:
        """A client exists, and whose device it is."""
        self._add("client", client=client, user=user)

    def group(self, conversation: str, users: Sequence[str]) -> None:
        """The creation of a conversation was acknowledged, with these members."""
        self._add("group", conversation=conversation, users=list(users))

    def up(self, client: str, node: str) -> None:
        """A session starts: the server has said `session:ready`."""
        self._add("up", client=client, node=node)

    def down(self, client: str, why: str) -> None:
        """The session is over."""
        self._add("down", client=client, why=why)

    def send(self, client: str, conversation: str, said: Said, turn: int) -> None:
        """A client sends a message, for the first time or again; `turn` counts its messages in that conversation."""
        self._add("invoke", op="send", client=client, conversation=conversation, **said._asdict(), turn=turn)

    def sent(self, client: str, conversation: str, said: Said, seq: int, *, duplicate: bool) -> None:
        """An acknowledgement: the message has this place in the log."""
        self._add(
            "ok", op="send", client=client, conversation=conversation, **said._asdict(), seq=seq, duplicate=duplicate
        )

    def refused(self, client: str, conversation: str, said: Said, code: str) -> None:
        """One attempt was refused for certain: it has left nothing behind."""
        self._add("fail", op="send", client=client, conversation=conversation, **said._asdict(), code=code)

    def unknown(self, client: str, conversation: str, said: Said, why: str, *, answered: bool) -> None:
        """Nobody knows what became of one attempt: it was never answered, or with an error that does not tell."""
        fields = {**said._asdict(), "why": why, "answered": answered}
        self._add("info", op="send", client=client, conversation=conversation, **fields)

    def change(self, op: Change, conversation: str, user: str) -> None:
        """A member is about to be added or removed."""
        self._add("invoke", op=op, conversation=conversation, user=user)

    def changed(self, op: Change, conversation: str, user: str) -> None:
        """The change of membership was acknowledged. Without this record its outcome is unknown."""
        self._add("ok", op=op, conversation=conversation, user=user)

    def live(self, client: str, conversation: str, seq: int, said: Said) -> None:
        """A client hears `message:new`."""
        self._add("live", client=client, conversation=conversation, seq=seq, **said._asdict())

    def behind(self, client: str) -> None:
        """The server tells a client that it may have missed something."""
        self._add("behind", client=client)

    def entry(self, client: str, conversation: str, seq: int, entry: str, said: Said | None) -> None:
        """One entry of an answer to `sync`; the entries of a page come before its `page`.

        `said` is the message that the entry brings into being; entries of other kinds have none.
        """
        self._add("entry", client=client, conversation=conversation, seq=seq, entry=entry, **_fields(said))

    def page(self, client: str, conversation: str, *, asked: int, first: int, last: int, more: bool) -> None:
        """An answer to `sync`: what comes after `asked`, said to be whole from `first` to `last`."""
        self._add("page", client=client, conversation=conversation, asked=asked, first=first, last=last, more=more)

    def odd(self, client: str, why: str) -> None:
        """A client got something that no server may send."""
        self._add("odd", client=client, why=why)

    def settled(self) -> None:
        """The load is over and everybody who is online has had time: what is seen later was forced."""
        self._add("settled")

    def ended(self) -> None:
        """The run is over: whoever is online now has seen the end, and connections that end later say nothing."""
        self._add("ended")

    def node(self, op: str, node: str) -> None:
        """Something was done to a server process (`start`, `kill`, `stop`)."""
        self._add("node", op=op, node=node)

    def fault(self, what: str, where: str) -> None:
        """A fault was put in: what, and into which part."""
        self._add("fault", what=what, where=where)

    def final(self, conversation: str, seq: int, entry: str, said: Said | None) -> None:
        """One entry of a conversation as it is read when everything is over."""
        self._add("final", conversation=conversation, seq=seq, entry=entry, **_fields(said))

    def _add(self, kind: str, **fields: Any) -> None:
        self._write({"t": round(self._clock(), 4), "kind": kind, **fields})


def _fields(said: Said | None) -> Record:
    return said._asdict() if said else {}


def said_in(record: Record) -> Said | None:
    """The message in a record, if it carries one."""
    return Said(record["sender"], record["id"], record["body"]) if "sender" in record else None


class HistoryFile:
    """A history on disk. Use as a context manager; records are complete in the file when it ends."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb", buffering=FLUSH_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def write(self, record: Record) -> None:
        """Append a record."""
        self._file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def read(path: Path) -> Iterator[Record]:
    """The records of a history file, one at a time."""
    with path.open("rb") as lines:
        yield from parsed(lines)


def parsed(lines: Iterable[bytes | str]) -> Iterator[Record]:
    """Records from their lines."""
    for line in lines:
        yield orjson.loads(line)
