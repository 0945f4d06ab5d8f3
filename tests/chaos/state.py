"""What the checker remembers while it reads a history: sends, memberships, and the stream of each client."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.chaos.history import Said

SEEN, SEEN_LATE = 1, 2
"""Marks in `Stream.seen`: before, and only after, the run had settled."""

Key = tuple[str, str, str]
"""Conversation, sender and client message id: what must be in a log at most once."""


@dataclass(slots=True)
class Send:
    """One message as its sender knows it, over all attempts."""

    client: str
    conversation: str
    said: Said
    turn: int
    first: int
    """Line of the first attempt."""
    at: float
    attempts: int = 0
    refused: int = 0
    troubled: bool = False
    """Whether any attempt was answered with an error: then its place among the sender's messages is open.

    An attempt that was never answered counts as well if, since that session began, the server process it went to has
    answered any attempt with an error: the answer that was lost may have been one of those.
    """
    acked: int = 0
    """Line of the first acknowledgement; 0 while there is none."""
    seq: int = 0

    @property
    def aborted(self) -> bool:
        """Whether every attempt was refused for certain."""
        return self.attempts > 0 and self.refused == self.attempts

    def __str__(self) -> str:
        return f"message {self.said.id} of {self.client}"


@dataclass(slots=True)
class Membership:
    """When one user belonged to one conversation, in lines of the history."""

    spans: list[tuple[int, int | None]] = field(default_factory=list)
    """From the acknowledged addition to the *start* of a removal: between them membership is certain."""
    founder: bool = False
    out_since: int | None = None
    """The line of an acknowledged removal, as long as nobody began to add the user again."""

    def add(self, line: int) -> None:
        """An addition is acknowledged."""
        self.spans.append((line, None))

    def leaving(self, line: int) -> None:
        """A removal begins: from here on membership is uncertain."""
        if self.spans and self.spans[-1][1] is None:
            self.spans[-1] = (self.spans[-1][0], line)

    def entitled(self, send: Send | None) -> bool:
        """Whether the user may insist on a message: a member since before it was sent, and to the end.

        Somebody who was removed later may have been away all the time in between, and gets nothing afterwards. Entries
        that no client sent (`send` is None) may be insisted on by those who were there from the first to the last.
        """
        if not self.spans or self.spans[-1][1] is not None:
            return False
        return self.spans[-1][0] <= send.first if send else self.founder and len(self.spans) == 1


@dataclass(slots=True)
class Stream:
    """What one client saw of one conversation."""

    seen: bytearray = field(default_factory=bytearray)
    heard: "array[int]" = field(default_factory=lambda: array("l"))
    """By seq: the session in which it was last heard live; 0 for never."""
    last: int = 0
    """The youngest that was heard live in this session."""
    whole: int | None = None
    """Up to where the first whole answer to `sync` in this session reached."""

    def reserve(self, seq: int) -> None:
        """Make room for a place in the log."""
        missing = seq + 1 - len(self.seen)
        if missing > 0:
            self.seen.extend(bytes(missing))
            self.heard.extend([0] * missing)

    def silent(self, session: int) -> list[int]:
        """What should have come live in this session (it lies between a whole answer and the youngest) and did not."""
        if self.whole is None:
            return []
        return [seq for seq in range(self.whole + 1, self.last + 1) if self.heard[seq] != session]

    def saw(self, seq: int) -> int:
        """SEEN, SEEN_LATE, or 0."""
        return self.seen[seq] if seq < len(self.seen) else 0


@dataclass(slots=True)
class Client:
    """One device."""

    name: str
    user: str
    session: int = 0
    node: str = ""
    """The server process of its session."""
    since: int = 0
    """The line at which its session began."""
    up: bool = False
    behind: bool = False
    """Whether the server announced in this session that something may have been missed."""
    left: float | None = None
    """When its last session ended, while it is away."""
    up_when_settled: bool = False
    present: bool = False
    """Whether it was online when the run ended."""
    streams: dict[str, Stream] = field(default_factory=dict)
    page: list[int] = field(default_factory=list)
    """The entries of the page that is being read."""

    def stream(self, conversation: str) -> Stream:
        """The stream of that conversation, which may be new."""
        found = self.streams.get(conversation)
        if found is None:
            found = self.streams[conversation] = Stream()
        return found


@dataclass(frozen=True, slots=True)
class Hole:
    """Places that a client did not get where it should have: judged when the final log is known."""

    client: str
    conversation: str
    seqs: list[int]
    live: bool
    """Not heard live (a fault if nobody announced it), rather than missing from an answer to `sync`."""
    announced: bool


@dataclass(slots=True)
class Spot:
    """What was seen first at one place of a log."""

    said: Said
    who: str
    delivered: bool
    """Whether any client got it, rather than only its sender an answer."""


@dataclass(slots=True)
class Final:
    """One entry of a final log."""

    entry: str
    said: Said | None


@dataclass(slots=True)
class Past:
    """Everything that was read so far."""

    line: int = 0
    began: float | None = None
    ended: float = 0.0
    settled: int | None = None
    over: bool = False
    clients: dict[str, Client] = field(default_factory=dict)
    devices: dict[str, list[Client]] = field(default_factory=dict)
    sends: dict[Key, Send] = field(default_factory=dict)
    members: dict[str, dict[str, Membership]] = field(default_factory=dict)
    offsets: dict[str, dict[int, Spot]] = field(default_factory=dict)
    """By conversation and seq: what was seen there first."""
    places: dict[Key, int] = field(default_factory=dict)
    """By message: where it was seen first."""
    errors: dict[str, int] = field(default_factory=dict)
    """By server process: the last line at which it answered an attempt with an error."""
    holes: list[Hole] = field(default_factory=list)
    finals: dict[str, dict[int, Final]] = field(default_factory=dict)

    def membership(self, conversation: str, user: str) -> Membership:
        """The membership of a user, which may be new."""
        return self.members.setdefault(conversation, {}).setdefault(user, Membership())

    def listeners(self, conversation: str) -> Iterator[tuple[Client, Membership]]:
        """Every client of everybody who ever belonged to the conversation."""
        for user, membership in self.members.get(conversation, {}).items():
            for client in self.devices.get(user, ()):
                yield client, membership
