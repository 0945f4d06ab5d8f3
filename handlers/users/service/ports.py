"""What this slice asks of the engine, and of slices that are built after it."""

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol, TypeVar

T = TypeVar("T")


class Transact(Protocol):
    """Runs a call as one unit of work."""

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T:
        """What the call returned, committed."""
        ...


class Relations(Protocol):
    """Who is whose friend, and who has blocked whom."""

    async def blocked_among(self, user_id: str, others: Collection[str]) -> set[str]:
        """Those of `others` who block the person or are blocked by him."""
        ...

    async def has_blocked(self, blocker: str, blocked: str) -> bool:
        """Whether the first blocks the second."""
        ...

    async def friends_among(self, user_id: str, others: Collection[str]) -> set[str]:
        """Those of `others` who are friends of the person."""
        ...

    async def friend_ids(self, user_id: str) -> list[str]:
        """All friends of the person."""
        ...

    async def mutual_counts(self, user_id: str, others: Collection[str]) -> dict[str, int]:
        """How many friends the person has in common with each of `others`."""
        ...

    async def friends_of_friends(self, user_id: str, limit: int) -> list[str]:
        """People with friends in common, not friends themselves, those with the most first."""
        ...

    async def online_viewers(self, user_id: str, among: Collection[str]) -> list[str]:
        """Those of `among` who may see when the person is or was online."""
        ...


class Sessions(Protocol):
    """Where a person is signed in."""

    async def end_all(self, user_id: str, *, code: str) -> None:
        """End every session of the person, within the caller's unit of work, and cut the connections after it."""
        ...
