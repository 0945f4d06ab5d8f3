"""The names of presence's keys in Redis, and how Redis is asked."""

from collections.abc import Awaitable
from typing import TypeVar

from storage.redis import RedisError

T = TypeVar("T")


class Unreachable(Exception):
    """Redis did not answer."""


async def ask(answer: Awaitable[T]) -> T:
    """The answer. Raises Unreachable."""
    try:
        return await answer
    except (RedisError, OSError, TimeoutError) as error:
        raise Unreachable(str(error)) from error


class Keys:
    """Begins with the cluster's namespace. The hash tag keeps all in one slot of a Redis Cluster: scripts need that."""

    def __init__(self, namespace: str) -> None:
        self.prefix = f"{namespace}:{{presence}}"
        self.due = f"{self.prefix}:due"
        self.nodes = f"{self.prefix}:nodes"
        self.since = f"{self.prefix}:since"

    def person(self, user_id: str) -> str:
        """A person's devices."""
        return f"{self.prefix}:user:{user_id}"

    def people(self, node: str) -> str:
        """The people of a node."""
        return f"{self.prefix}:people:{node}"

    def lease(self, node: str) -> str:
        """Says that a node lives."""
        return f"{self.prefix}:node:{node}"

    def turn(self, node: str) -> str:
        """Says which node buries this one."""
        return f"{self.prefix}:turn:{node}"

    def interest(self, user_id: str) -> str:
        """Which nodes have watchers of a person."""
        return f"{self.prefix}:interest:{user_id}"

    def watched(self, node: str) -> str:
        """Whom a node has watchers of."""
        return f"{self.prefix}:watched:{node}"

    def news(self, node: str) -> str:
        """Of whom a node's watchers have to be told."""
        return f"{self.prefix}:news:{node}"

    def count(self, conversation_id: str) -> str:
        """How many of a large group are here."""
        return f"{self.prefix}:count:{conversation_id}"
