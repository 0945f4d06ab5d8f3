"""A naive model of the log, which believes the order that it reads and nothing else, and the actions it understands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.log import Appended, Draft, Entry
from storage.mongo import Document

SENDERS = tuple(f"0192f000-0000-7000-8000-00000000000{digit}" for digit in "12")
LIFE = timedelta(minutes=1)


class Refusal(Exception):
    """A change or a guard said no."""


@dataclass(frozen=True)
class Action:
    """What somebody wants. `token` names it: it is the device of its entry, so every entry tells whose it is."""

    token: str
    conversation: str
    what: str
    sender: str
    target: int
    named: bool
    countable: bool
    expiring: bool

    @property
    def changes(self) -> bool:
        """Whether it changes another entry."""
        return self.what in ("react", "edit", "delete", "refuse")

    @property
    def body(self) -> Document:
        """What it says, if it changes nothing."""
        if self.what == "say":
            return {"text": self.token}
        return {"user": self.sender, "member": self.what == "join"}

    def after(self, body: Document) -> Document:
        """What it makes of the body of its target. Who is a member cannot be edited, as in a chat: Refusal."""
        if "user" in body:
            raise Refusal(self.token)
        if self.what == "react":
            return {**body, "reactions": [*body.get("reactions", []), self.token]}
        if self.what == "edit":
            return {**body, "text": self.token}
        if self.what == "delete":
            return {"deleted": self.token}
        raise Refusal(self.token)

    def draft(self, now: datetime, removed: frozenset[str], known: int) -> Draft:
        """The draft of a node whose members are known up to an entry, when these were removed."""
        op = self.token if self.named else None
        if self.changes:
            return Draft(
                conversation=self.conversation,
                kind=self.what,
                sender=self.sender,
                device=self.token,
                op=op,
                target=self.target,
                change=lambda entry, _: self.after(entry.body),
                uncount=self.what == "delete",
            )
        if self.what in ("join", "leave"):
            return Draft(
                conversation=self.conversation, kind="member", sender="", device=self.token, op=op, body=self.body
            )

        async def guard(missed: Sequence[Entry]) -> None:
            member = self.sender not in removed
            for entry in missed:
                if entry.body["user"] == self.sender:
                    member = entry.body["member"]
            if not member:
                raise Refusal(self.sender)

        return Draft(
            conversation=self.conversation,
            kind="message",
            sender=self.sender,
            device=self.token,
            op=op,
            body=self.body,
            countable=self.countable,
            expires_at=now + LIFE if self.expiring else None,
            guard=guard,
            known=known,
        )


@dataclass
class Row:
    """An entry as the model has it."""

    action: Action
    body: Document
    expires_at: datetime | None
    counts: bool


@dataclass
class Model:
    """The log of one conversation, replayed entry by entry from what the database shows."""

    rows: list[Row] = field(default_factory=list)
    removed: dict[int, frozenset[str]] = field(default_factory=lambda: {0: frozenset()})
    """After each member entry: who is out."""
    possible: dict[str, Action] = field(default_factory=dict)
    """What was ever submitted, by token."""

    @property
    def members_known(self) -> int:
        """The seq of the last member entry."""
        return max(self.removed)

    def seq_of(self, token: str) -> int | None:
        """Where the entry of an action is."""
        for seq, row in enumerate(self.rows, start=1):
            if row.action.token == token:
                return seq
        return None

    def acknowledged(self, action: Action, done: Appended, *, repeated: bool) -> None:
        """An action was acknowledged: its entry must be there, once, with that seq."""
        assert self.seq_of(action.token) == done.entry.seq
        assert done.entry.conversation == action.conversation
        assert done.duplicate or not repeated

    def take(self, entries: Sequence[Entry], now: datetime) -> None:
        """Take in what the log shows now. Raises AssertionError if it does not follow from what was submitted."""
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1)), "a hole or a repeat"
        assert len(entries) >= len(self.rows), "the log became shorter"
        for entry in entries[len(self.rows) :]:
            self._add(entry, now)
        for row, entry in zip(self.rows, entries, strict=True):
            if row.expires_at is not None and row.expires_at <= now:
                assert (entry.kind, entry.body, entry.device) == ("noop", {}, "")
                continue
            assert entry.device == row.action.token
            assert entry.body == row.body
            assert entry.expires_at == row.expires_at

    def unread(self, after: int, not_from: str, now: datetime) -> int:
        """A recount."""
        return sum(
            row.counts and row.action.sender != not_from and (row.expires_at is None or row.expires_at > now)
            for row in self.rows[after:]
        )

    def last_message(self, now: datetime) -> int | None:
        """The seq of the newest message that can be seen."""
        for seq in range(len(self.rows), 0, -1):
            row = self.rows[seq - 1]
            if row.action.what == "say" and (row.expires_at is None or row.expires_at > now):
                return seq
        return None

    def _add(self, entry: Entry, now: datetime) -> None:
        assert entry.expires_at is None or entry.expires_at > now, "time stood still while this was appended"
        action = self.possible[entry.device]
        assert self.seq_of(action.token) is None, "an action is in the log twice"
        body, expires, counts = action.body, entry.expires_at, action.countable
        if action.changes:
            target = self.rows[action.target - 1]
            assert target.expires_at is None or target.expires_at > now
            body, expires, counts = action.after(target.body), target.expires_at, False
            target.body = body
            target.counts = target.counts and action.what != "delete"
        elif action.what == "say":
            assert action.sender not in self.removed[self.members_known], "a message after its sender's removal"
        else:
            gone = self.removed[self.members_known] - {action.sender}
            self.removed[entry.seq] = gone if action.what == "join" else gone | {action.sender}
            counts = False
        self.rows.append(Row(action, body, expires, counts))
