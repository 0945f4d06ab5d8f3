"""What the log holds, what a caller hands in, and the one place that knows how an entry looks in storage.

| field | holds |
|---|---|
| `_id` | 24 bytes: the conversation's uuid, then `s` as 8 bytes big-endian; the unique lock and the order of reading |
| `c` | conversation, binary uuid (a shard key) |
| `s` | seq, from 1, dense |
| `k` | kind |
| `u`, `d` | sender and device |
| `m` | operation id: the caller's (string), or one that the log made up for a draft without (bytes) |
| `t` | target: the seq of the entry that this one changes |
| `b` | body |
| `at` | when it was appended |
| `x` | when it expires |
| `o` | when it expires for its own sender, where that is earlier than for the others |
| `r` | with `o`: nobody else has begun to use it up, so for the others it has no end yet |
| `w` | with `o`: its end for the sender has not been told |
| `h` | a mark that an effect of another entry has set; it stays whatever the entry becomes |
| `n` | until when it counts as unread (`x`, or the year 9999); not there: it does not count |
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from bson.binary import UUID_SUBTYPE

from storage.mongo import Binary, Document, Write

LAST_SEQ = (1 << 63) - 1
"""Before it a log will not end; it stands for every number above it that a client may send."""

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
LAST = b"\xff" * 8
"""After every seq, in a key."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One durable change of a conversation. A `message` entry is also the message as it is now."""

    conversation: str
    seq: int
    kind: str
    sender: str
    device: str
    op: str | None
    target: int | None
    body: Document
    at: datetime
    expires_at: datetime | None = None
    own_expires_at: datetime | None = None
    """When it expires for its own sender, where that is not `expires_at`."""
    marked: bool = False
    """Whether an effect of another entry has marked it (`h`)."""
    over: bool = False
    """Whether it had expired for its own sender when it was read."""


@dataclass(frozen=True, slots=True)
class Life:
    """How long an entry lives: for everybody, and for its own sender (then the others' end may be set later)."""

    expires_at: datetime | None = None
    own_expires_at: datetime | None = None


Lives = Callable[[datetime], Life]
"""From the time of an entry to how long it lives. Asked when the entry is written, after its guard. Pure."""

Change = Callable[[Entry, int], Document]
"""From an entry as it is now, and the seq of the entry that changes it, to its new body.

Pure: it may be called again. What it raises refuses the draft.
"""

Effects = Callable[[int], Sequence[tuple[str, Write]]]
"""From the seq to writes (collection, write) that commit with the entry. Pure: it may be called again."""

Guard = Callable[[Sequence[Entry]], Awaitable[None]]
"""Hears the guard entries that the caller may not have known of. What it raises refuses the draft."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """What shall be appended. It, and all that it refers to, must not be modified once it was submitted.

    conversation: a uuid in canonical form. sender: a user's uuid, or "" for the system.
    op: the caller's id of this operation; a repeat of (conversation, sender, device, op) is answered with the original.
    life: how long it lives, where that must be decided by what the guard has found out; in place of `expires_at`.
    even_expired: with `change`, its target may have expired; the new entry does not expire with it.
    countable: whether the entry counts as unread for others.
    target: the seq of the entry that this one changes. With `change` that entry's body becomes what `change` returns,
        and so does the body of the new entry, which also inherits the target's expiry; `uncount` makes the target no
        longer count as unread.
    effects: further writes of the same transaction.
    guard: asked before the entry is appended, if members or settings may have changed since the caller looked.
    known: the seq up to which the caller's knowledge of members and settings is complete. None: whatever this node's
        log had seen at `submit`. A caller that decides by what it cached or read earlier must say `known`: a change
        that was committed between its look and `submit` is invisible otherwise.
    """

    conversation: str
    kind: str
    sender: str
    device: str = ""
    op: str | None = None
    body: Document = field(default_factory=dict)
    expires_at: datetime | None = None
    life: Lives | None = None
    even_expired: bool = False
    countable: bool = False
    target: int | None = None
    change: Change | None = None
    uncount: bool = False
    effects: Effects | None = None
    guard: Guard | None = None
    known: int | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """An entry that is committed. `duplicate`: it was there before; the entry is as it is now. Publish it again."""

    entry: Entry
    duplicate: bool


def prefix(conversation: str) -> bytes:
    """The 16 bytes that the keys of a conversation begin with. Raises ValueError unless it is a canonical uuid."""
    try:
        uuid = UUID(conversation)
    except ValueError:
        uuid = None
    if uuid is None or str(uuid) != conversation:
        raise ValueError(f"{conversation!r} is not a uuid in canonical form")
    return uuid.bytes


def binary(prefix: bytes) -> Binary:
    """A conversation as stored in `c`."""
    return Binary(prefix, UUID_SUBTYPE)


def key(prefix: bytes, seq: int) -> bytes:
    """The `_id` of an entry."""
    return prefix + seq.to_bytes(8, "big")


def possible(seq: int) -> int:
    """The seq itself, or the nearest number that storage can hold (no entry has it)."""
    return min(max(seq, 0), LAST_SEQ)


def whole_ms(time: datetime) -> datetime:
    """A time cut to the milliseconds that storage can hold."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def decode(document: Document) -> Entry:
    """The entry that a document holds."""
    op, target = document.get("m"), document.get("t")
    return Entry(
        conversation=str(UUID(bytes=document["c"])),
        seq=int(document["s"]),
        kind=document["k"],
        sender=document["u"],
        device=document["d"],
        op=op if isinstance(op, str) else None,
        target=None if target is None else int(target),
        body=document["b"],
        at=document["at"],
        expires_at=document.get("x"),
        own_expires_at=document.get("o"),
        marked="h" in document,
    )


def expired(entry: Entry, now: datetime) -> bool:
    """Whether the entry has expired for everybody."""
    return entry.expires_at is not None and entry.expires_at <= now


def visible(entry: Entry, now: datetime) -> Entry:
    """The entry as a reader may see it: in the place of an expired one stands an empty `noop`."""
    if expired(entry, now):
        return Entry(entry.conversation, entry.seq, "noop", "", "", None, None, {}, entry.at)
    if entry.own_expires_at is not None and entry.own_expires_at <= now:
        return replace(entry, over=True)
    return entry
