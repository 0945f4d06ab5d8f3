"""What is stored of a conversation and of its members, beside the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from handlers.chat.models.rights import Right
from handlers.chat.models.values import ConversationType, Role, TimerMode


@dataclass(frozen=True, slots=True)
class ConversationRecord:
    """A conversation. Everything in it but the last two fields changes only with an entry of its log."""

    id: str
    nid: int
    type: ConversationType
    created_by: str
    created_at: datetime
    updated_at: datetime
    state_seq: int
    """The last entry that changed the conversation or its members: those documents are as of there."""
    pair: str | None = None
    """Of a direct conversation: its two people, see `pair_of`. There is one conversation for each pair, and at most one
    that is encrypted beside it."""
    name: str | None = None
    description: str | None = None
    avatar: str | None = None
    allow_invites: bool = False
    history_visible: bool = False
    """Whether who joins from now on may see what was said before."""
    message_retention: int = 0
    theme: Mapping[str, str] | None = None
    is_encrypted: bool = False
    permissions: Mapping[Right, bool] = field(default_factory=dict)
    """What members may do, where it is not as in a new group; `allow_invites` is the right `invite`."""
    slow_mode: int = 0
    """Seconds between two messages of a member."""
    screening: int = 0
    """The entry that last changed the rules by which messages are screened; 0: there are none."""
    screened_by: str | None = None
    """The admin who last changed them: what happens by them happens in his name."""
    join_limit: int = 0
    """People who may come by links within a minute before an admin has to let each one in; 0: any number."""
    join_approval: bool = False
    """Whether an admin lets in everybody who comes by a link."""
    timer: int = 0
    """Seconds that a message lives; 0: for ever."""
    timer_mode: TimerMode = "after_send"
    read_timers: bool = False
    """Whether there was ever a timer that runs from the reading: then reading begins it."""
    is_active: bool = True
    last_seq: int = 0
    """The last message, as far as noted: a hint for the order of lists, up to a second old."""
    last_message_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A person in a conversation: a member (`active`), or one who was."""

    conversation_id: str
    user_id: str
    role: Role
    join_seq: int
    """The entry by which the member joined."""
    joined_at: datetime
    active: bool = True
    left_seq: int | None = None
    read_seq: int = 0
    read_at: datetime | None = None
    delivered_seq: int = 0
    delivered_at: datetime | None = None
    shown_read_seq: int = 0
    """What the others may know of `read_seq`: it stands still while there is a block between two people."""
    shown_delivered_seq: int = 0
    said_at: datetime | None = None
    """When the member last said what the other, who blocks him, does not see: only his own list goes by it."""
    unread_seq: int = 0
    """The last entry when the member marked the conversation as unread; 0 when he has not, or has read since."""
    archived: bool = False
    archived_seq: int | None = None
    """The last entry when it was archived: a message after it brings it back. None: nothing does."""
    keep_archived: bool = False
    """Whether it stays archived whatever is said."""
    muted: bool = False
    muted_until: datetime | None = None
    """When muting ends by itself; None: never."""
    large: bool = False
    """Whether the conversation has so many members that it has a channel of its own; exact while `active`."""
    seen_from: int | None = None
    """The first entry that the member may see, where it is not the one by which he joined."""
    hidden_seq: int = 0
    """The conversation is not listed until its log has a message after this entry."""

    requested: bool = False
    """Whether a stranger began the direct conversation and this member has not accepted it; it ends with an entry."""
    ignored: bool = False
    """Of a request: whether its receiver has put it away. The one who asks does not learn it."""
    asked: str | None = None
    """Of the one who asks: the message that he had before he was accepted, as the device and the id it came with."""
    removed: bool = False
    """Whether it was an admin who ended the membership: no link brings him back."""
    denied: Sequence[Right] = ()
    """What the member may not do, up to `denied_until` or without an end. It stays when he leaves and comes back."""
    denied_until: datetime | None = None
    silent_until: datetime | None = None
    """Until when the member may do nothing at all; it stays as long, too."""

    def denies(self, right: Right, now: datetime) -> bool:
        """Whether this member is refused the right now."""
        if self.silent_until is not None and self.silent_until > now:
            return True
        return right in self.denied and (self.denied_until is None or self.denied_until > now)

    @property
    def marked_unread(self) -> bool:
        """Whether the member has marked the conversation as unread."""
        return self.unread_seq > 0

    def mutes(self, now: datetime) -> bool:
        """Whether the member has muted the conversation."""
        return self.muted and (self.muted_until is None or self.muted_until > now)

    @property
    def comes_back_after(self) -> int | None:
        """Of an archived conversation: the entry after which a message brings it back; None: no message does."""
        return None if self.keep_archived else self.archived_seq

    @property
    def was_put_away(self) -> bool:
        """Whether the conversation is archived or off the list, unless something said since has brought it back."""
        return self.archived or self.hidden_seq > 0

    def stays_archived(self, seq: int) -> bool:
        """Whether the conversation is archived still after the message `seq`."""
        back = self.comes_back_after
        return self.archived and (back is None or seq <= back)

    @property
    def sees_from(self) -> int:
        """The first entry that the member may see."""
        return self.join_seq if self.seen_from is None else self.seen_from

    @property
    def seen_seq(self) -> int:
        """Entries up to this one are not unread."""
        return max(self.read_seq, self.join_seq)


def pair_of(one: str, other: str, *, encrypted: bool = False) -> str:
    """The key of the direct conversation between two people; the encrypted one has them the other way round."""
    return "/".join(sorted((one, other), reverse=encrypted))
