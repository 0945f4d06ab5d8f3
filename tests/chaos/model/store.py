"""The model's database: writers see a write at once, majority readers later, and it may be rolled back in between."""

from dataclasses import dataclass

from tests.chaos.history import Said

Key = tuple[str, str, str, int]


class SeqTaken(Exception):
    """Another node has this place of the log."""


class KeyTaken(Exception):
    """This message is there already, committed or not."""


class RolledBack(Exception):
    """The primary fell, and the write with it."""


@dataclass(frozen=True, slots=True)
class Doc:
    """One entry of a log."""

    conversation: str
    seq: int
    kind: str
    said: Said
    """Of a membership change: who is meant (`sender`), and `add` or `remove` (`body`)."""
    copy: int = 0
    """Above 0 only where the unique key is missing."""

    @property
    def key(self) -> Key:
        """What may be there once."""
        return self.conversation, self.said.sender, self.said.id, self.copy


class Store:
    """Logs with a unique place and a unique key for each entry, behind one oplog."""

    def __init__(self) -> None:
        self.term = 0
        self._waiting: dict[Key, Doc] = {}
        self._places: dict[tuple[str, int], Doc] = {}
        self._keys: dict[Key, Doc] = {}
        self._logs: dict[str, list[Doc]] = {}
        self._joined: dict[str, dict[str, int]] = {}

    def create(self, conversation: str, users: list[str]) -> None:
        """A conversation and its first members."""
        self._logs[conversation] = []
        self._joined[conversation] = dict.fromkeys(users, 0)

    def insert(self, doc: Doc) -> None:
        """Write an entry to the primary. Raises SeqTaken or KeyTaken."""
        if doc.key in self._keys:
            raise KeyTaken
        if (doc.conversation, doc.seq) in self._places:
            raise SeqTaken
        self._waiting[doc.key] = self._places[doc.conversation, doc.seq] = self._keys[doc.key] = doc

    def find(self, key: Key) -> Doc | None:
        """The entry with that key, committed or not."""
        return self._keys.get(key)

    def head(self, conversation: str) -> int:
        """The youngest place that is written, committed or not."""
        waiting = [doc.seq for doc in self._waiting.values() if doc.conversation == conversation]
        return max([self.committed_head(conversation), *waiting])

    @property
    def lagging(self) -> bool:
        """Whether any write still waits for its majority."""
        return bool(self._waiting)

    def replicate(self) -> None:
        """The oldest of the waiting writes reaches its majority."""
        doc = self._waiting.pop(next(iter(self._waiting)))
        self._logs[doc.conversation].append(doc)
        if doc.kind == "member" and doc.said.body == "add":
            self._joined[doc.conversation][doc.said.sender] = doc.seq
        elif doc.kind == "member":
            self._joined[doc.conversation].pop(doc.said.sender, None)

    def fall(self) -> None:
        """The primary dies: what had no majority is gone."""
        for doc in self._waiting.values():
            del self._places[doc.conversation, doc.seq]
            del self._keys[doc.key]
        self._waiting.clear()
        self.term += 1

    def is_committed(self, doc: Doc) -> bool:
        """Whether the majority has the entry. Raises RolledBack when it never will."""
        if self._keys.get(doc.key) is not doc:
            raise RolledBack
        return doc.key not in self._waiting

    def committed_head(self, conversation: str) -> int:
        """The youngest place that the majority has."""
        return max((doc.seq for doc in self._logs[conversation]), default=0)

    def committed(self, conversation: str, after: int, user: str | None = None) -> list[Doc]:
        """The entries beyond `after` in their order, or those of them that the user may see."""
        floor = after if user is None else max(after, self._joined[conversation].get(user, 0))
        return sorted((doc for doc in self._logs[conversation] if doc.seq > floor), key=lambda doc: doc.seq)

    def members(self, conversation: str) -> dict[str, int]:
        """Who belongs to the conversation, and since which place."""
        return dict(self._joined[conversation])
