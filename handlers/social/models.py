"""What the social slice stores, takes and gives."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.users.models import UserCard
from server.models import Id, Input, Instant, Output, Text

Status = Literal["pending", "accepted", "declined", "blocked"]
Relationship = Literal["friend", "close_friend", "family", "work", "acquaintance"]
Source = Literal["search", "suggestion", "contact_sync", "community", "mutual"]
Direction = Literal["incoming", "outgoing"]
SuggestedBy = Literal["mutual", "contact_sync", "local", "community"]

Reason = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
RequestMessage = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Limit = Annotated[int, Field(ge=1, le=100)]


@dataclass(frozen=True, slots=True)
class Side:
    """What one of a pair says about the other: a category, and what the other may do."""

    relationship: Relationship = "friend"
    can_message: bool = True
    can_see_online_status: bool = True
    can_see_location: bool = True
    declines: int = 0
    """How often this one declined the other."""


@dataclass(frozen=True, slots=True)
class Stance:
    """How one of two people stands to the other: what each says of the other as a friend, if they are friends."""

    mine: Side | None = None
    theirs: Side | None = None
    blocked: bool = False
    """Whether either blocks the other."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people and what is between them. `status` "none" keeps the memory of something that is over."""

    id: str
    status: Status | Literal["none"]
    requester_id: str
    recipient_id: str
    sides: dict[str, Side]
    """By the id of the one who says it."""
    created_at: datetime
    updated_at: datetime
    source: Source = "search"
    message: str | None = None
    hushed: bool = False
    blocked_by: list[str] = field(default_factory=list)
    accepted_at: datetime | None = None

    def other(self, user_id: str) -> str:
        """The one of the two that `user_id` is not."""
        return self.recipient_id if user_id == self.requester_id else self.requester_id

    def seen_by(self, user_id: str) -> bool:
        """Whether there is anything here that this person may see."""
        if user_id not in self.sides or self.status == "none":
            return False
        if self.status == "blocked":
            return user_id in self.blocked_by
        return not (self.hushed and self.status == "pending" and user_id == self.recipient_id)


@dataclass(frozen=True, slots=True)
class Listed:
    """Which friendships of a person are wanted."""

    status: Status
    direction: Direction | None
    before: str | None
    limit: int


class Allows(Output):
    """What one person lets another do."""

    can_message: bool
    """Send direct messages."""
    can_see_online_status: bool
    """See whether the person is online, and when last."""
    can_see_location: bool
    """See the person's place."""


class Friendship(Output):
    """What is between the one who asks and another person, as the one who asks sees it."""

    id: Id
    requester_id: Id
    recipient_id: Id
    status: Status
    relationship: Relationship
    """The category that the one who asks has put the other into; the other is not told."""
    request_message: str | None
    mutual_friends: int
    """How many friends the two have in common."""
    connection_source: Source
    can_message: bool
    """Whether the one who asks may message the other by this friendship."""
    can_see_online_status: bool
    """Whether the one who asks may see when the other is online, as far as this friendship goes."""
    can_see_location: bool
    """Whether the one who asks may see the other's place, as far as this friendship goes."""
    allows: Allows
    """What the one who asks lets the other do."""
    user: UserCard | None
    """The other person; null when the account is gone."""
    created_at: Instant
    updated_at: Instant
    accepted_at: Instant | None


class FriendPage(Output):
    """Some friendships, the newest first."""

    friends: list[Friendship]
    next_cursor: str | None
    """`cursor` of the next page; null when there is none."""


class NewRequest(Input):
    """Asking somebody to be friends."""

    recipient_id: Id
    message: RequestMessage | None = None
    source: Source = "search"
    """Where the two came across each other."""


class OneFriendship(Input):
    """A friendship or a request, by its id."""

    friendship_id: Id


class AllowsChange(Input):
    """What a friend may do from now on; what is left out stays as it is."""

    can_message: bool | None = None
    can_see_online_status: bool | None = None
    can_see_location: bool | None = None


class FriendshipChange(Input):
    """How the one who asks sees a friend from now on; what is left out stays as it is."""

    friendship_id: Id
    relationship: Relationship | None = None
    allows: AllowsChange | None = None


class ListFriends(Input):
    """Which friendships are wanted."""

    status: Status = "accepted"
    direction: Direction | None = None
    """Only requests to (incoming) or from (outgoing) the one who asks."""
    cursor: Id | None = None
    limit: Limit = 50


class FriendSuggesting(Input):
    """Where suggestions shall come from; without `source`, from everywhere."""

    source: SuggestedBy | None = None
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class FriendSuggestion(Output):
    """Somebody whom the one who asks may know."""

    user: UserCard
    source: SuggestedBy
    mutual_friends: int


class FriendSuggestions(Output):
    """People whom the one who asks may know, those with most friends in common first."""

    suggestions: list[FriendSuggestion]


class NewBlock(Input):
    """Somebody to be blocked."""

    user_id: Id
    reason: Reason | None = None
    """A note for the one who blocks."""


class UserBlock(Output):
    """A block, as the one who blocked sees it."""

    id: Id
    blocker_id: Id
    blocked_user_id: Id
    reason: str | None
    created_at: Instant


class BlockedUser(UserBlock):
    """A block, with the person."""

    user: UserCard | None
    """Null when the account is gone."""


class ListBlocks(Input):
    """Which blocks are wanted."""

    cursor: Id | None = None
    limit: Limit = 50


class BlockPage(Output):
    """Whom the one who asks has blocked, the newest first."""

    blocks: list[BlockedUser]
    next_cursor: str | None


class Tie(Output):
    """Two people who have become friends, or are friends no more."""

    friendship_id: Id
    user_ids: list[Id]


class Permit(Output):
    """What somebody lets a friend do, after a change."""

    friendship_id: Id
    user_id: Id
    friend_id: Id
    changed: list[str]
    """Names of what changed, such as `canSeeOnlineStatus`; `close` when a friend became, or is no more, a close one."""
    can_message: bool
    can_see_online_status: bool
    can_see_location: bool
