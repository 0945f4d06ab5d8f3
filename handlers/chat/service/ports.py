"""What the chat asks of a slice that is built after it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from handlers.chat.models.messages import NewMessage
from handlers.chat.models.values import Role
from server.errors import MixeeError


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wants to say in a group that has rules, or what he wants to make of a message of his."""

    conversation_id: str
    revision: int
    """The rules that hold here, or younger ones: `ConversationRecord.screening`."""
    user_id: str
    device_id: str
    role: Role
    texts: Sequence[str]
    """Everything in it that can be read: text or caption, question and answers of a poll, names of file and place."""
    addresses: Sequence[str]
    """Where its attachments lie."""
    mentions: int
    op: str | None
    """The same for every attempt to say this."""
    message: NewMessage | None
    """None for an edit."""
    admins: Sequence[str]
    anew: "Callable[[], Awaitable[Said]]"
    """The same in the group as it is now in the database: `revision` may be what a process remembers, and old."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of it: it is said; or only its sender sees it (`limited`); or he is told why not (`refusal`)."""

    limited: bool = False
    refusal: MixeeError | None = None
    silent_until: datetime | None = None
    """Until when its sender may do nothing in the group any more."""


SAY = Verdict()


class Screen(Protocol):
    """Decides by a group's rules what may be said in it. The chat acts on the verdict."""

    async def judge(self, said: Said) -> Verdict:
        """What becomes of this. It may have been asked before, about the same attempt or an earlier one.

        What does not simply let it pass must be by the rules that hold now: see `Said.anew`.
        """
        ...

    async def locked(self, conversation_id: str, admins: Sequence[str]) -> None:
        """So many people came into this group in a minute that from now on an admin lets each one in."""
        ...
