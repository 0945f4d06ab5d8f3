"""What this node knows of the conversations that it writes to: how far each log goes, and who is waiting."""

from collections import OrderedDict
from datetime import datetime

from storage.log.entries import binary, prefix


class Conversation:
    """A conversation's log as this node last saw it.

    head: the last committed seq. turn: the seq of the last guard entry up to the head, or 0.
    stale: head and turn must be read before the next append. doubtful: a seq from which on guard entries of other nodes
    turned up here, so that callers of this node may not have heard of them; None while there were none.
    """

    __slots__ = ("at", "binary", "doubtful", "head", "id", "loaded", "prefix", "stale", "turn", "waiting")

    def __init__(self, conversation: str) -> None:
        self.id = conversation
        self.prefix = prefix(conversation)
        self.binary = binary(self.prefix)
        self.head = 0
        self.turn = 0
        self.stale = True
        self.loaded = False
        self.doubtful: int | None = None
        self.at: datetime | None = None
        self.waiting = 0

    @property
    def since(self) -> int:
        """Up to which seq a caller's knowledge is taken to be complete, if it does not say so itself."""
        return self.head if self.doubtful is None else self.doubtful

    def learn(self, head: int, turn: int) -> None:
        """Take what was read from the log."""
        if self.loaded and turn > self.turn and self.doubtful is None:
            self.doubtful = self.turn
        self.head, self.turn, self.stale, self.loaded = head, turn, False, True

    def advance(self, seq: int, at: datetime, *, guard: bool) -> None:
        """Take note of an entry that this node appended."""
        self.head, self.at = seq, at
        if guard:
            self.turn = seq


class Heads:
    """The conversations used last: at most `capacity`, not counting those that someone waits for."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._conversations: OrderedDict[str, Conversation] = OrderedDict()

    def __len__(self) -> int:
        return len(self._conversations)

    def get(self, conversation: str) -> Conversation:
        """What is known of a conversation. Raises ValueError for an id that is not a canonical uuid."""
        found = self._conversations.get(conversation)
        if found is None:
            found = Conversation(conversation)
            if len(self._conversations) >= self._capacity:
                self._shrink()
            self._conversations[conversation] = found
        else:
            self._conversations.move_to_end(conversation)
        return found

    def _shrink(self) -> None:
        """Forget the longest unused. Those with someone waiting stay: there must never be two of one conversation."""
        for _ in range(len(self._conversations)):
            known = next(iter(self._conversations.values()))
            if known.waiting:
                self._conversations.move_to_end(known.id)
                continue
            del self._conversations[known.id]
            if len(self._conversations) < self._capacity:
                return
