"""Which nodes have watchers of whom, and what is counted of large groups, in Redis.

Redis knows nodes, not watchers: who watches is known to the node of the watcher's connection. So a change costs one
step for each node with watchers, and nothing when there is none.
"""

from collections.abc import Collection, Mapping

from handlers.presence.store import watch_scripts as scripts
from handlers.presence.store.keys import Keys, ask
from handlers.presence.store.scripts import SOME
from storage.redis import Redis, Script

AT_ONCE = 200
"""People in one step."""
KEPT_MS = 600_000
"""How long news wait for a node that does not fetch them."""


class WatchStore:
    """The interest of nodes in people. Times are in milliseconds. Every question raises Unreachable."""

    def __init__(self, redis: Redis, *, keys: Keys, node: str) -> None:
        self.keys = keys
        self._node = node
        self._watch = Script(redis, scripts.WATCH)
        self._lose = Script(redis, scripts.LOSE_INTEREST)
        self._some = Script(redis, SOME)
        self._announce = Script(redis, scripts.ANNOUNCE)
        self._take = Script(redis, scripts.TAKE_NEWS)
        self._count_due = Script(redis, scripts.COUNT_DUE)
        self._counted = Script(redis, scripts.COUNTED)
        self._interest = Script(redis, scripts.INTEREST)

    async def watch(self, counts: Mapping[str, int]) -> None:
        """Say how many people of this node watch each of these; 0 is nobody any more."""
        people = list(counts)
        for start in range(0, len(people), AT_ONCE):
            some = people[start : start + AT_ONCE]
            given = [part for one in some for part in (one, counts[one])]
            keys = [self.keys.watched(self._node), *map(self.keys.interest, some)]
            await ask(self._watch(keys, [self._node, *given]))

    async def interest(self, user_id: str) -> dict[str, int]:
        """How many people of which node watch a person."""
        flat = await ask(self._interest([self.keys.interest(user_id)]))
        return {node.decode(): int(count) for node, count in zip(flat[::2], flat[1::2], strict=True)}

    async def lose(self, node: str, *, leaving: bool = False) -> bool:
        """Remove some of the interest of a node that is dead (or is `leaving` by itself); whether there is more."""
        some = [one.decode() for one in await ask(self._some([self.keys.watched(node)], [AT_ONCE]))]
        keys = [self.keys.watched(node), self.keys.lease(node), self.keys.news(node), *map(self.keys.interest, some)]
        return bool(await ask(self._lose(keys, [node, int(leaving), *some])))

    async def announce(self, user_id: str, nodes: Collection[str], *, due: int) -> None:
        """There is news of a person for the watchers of these nodes, to be told then."""
        await ask(self._announce([self.keys.news(node) for node in nodes], [user_id, due, KEPT_MS]))

    async def take_news(self, *, now: int, limit: int) -> list[str]:
        """People of whom this node's watchers have to be told now."""
        return [one.decode() for one in await ask(self._take([self.keys.news(self._node)], [now, limit]))]

    async def count_due(self, conversation_id: str, *, now: int, holds: int) -> tuple[bool, int | None]:
        """Whether it is time for this node to count a group again, and what the last count was."""
        due, count = await ask(self._count_due([self.keys.count(conversation_id)], [now, holds]))
        return bool(due), int(count) if count else None

    async def counted(self, conversation_id: str, count: int) -> bool:
        """Keep a count; whether it is news."""
        return bool(await ask(self._counted([self.keys.count(conversation_id)], [count])))
