"""Who of two people blocks the other: asked for every message of a direct conversation, so asked for many at once."""

import asyncio
from contextvars import Context
from dataclasses import dataclass

from handlers.social.service import Social

MAX_PAIRS = 500
"""Pairs in one question."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Block:
    """Who of two people blocks the other. Who blocks is told so, who is blocked is not."""

    by_me: bool
    by_peer: bool

    @property
    def stands(self) -> bool:
        """Whether there is one."""
        return self.by_me or self.by_peer


class Blocks:
    """Gathers the pairs that are asked about while one question is out, and asks about all of them in the next.

    So an answer is never older than the moment it was asked for, and the more is said, the fewer questions each takes.
    """

    def __init__(self, social: Social) -> None:
        self._social = social
        self._waiting: dict[Pair, asyncio.Future[list[str]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def between(self, me: str, peer: str) -> Block:
        """What stands between the two, as of now."""
        loop = asyncio.get_running_loop()
        pair = (me, peer) if me < peer else (peer, me)
        future = self._waiting.get(pair)
        if future is None:
            future = self._waiting[pair] = loop.create_future()
            if self._asking is None:
                self._asking = loop.create_task(self._ask(), context=Context())
        blockers = await asyncio.shield(future)
        return Block(by_me=me in blockers, by_peer=peer in blockers)

    async def _ask(self) -> None:
        try:
            while self._waiting:
                pairs = list(self._waiting)[:MAX_PAIRS]
                futures = {pair: self._waiting.pop(pair) for pair in pairs}
                try:
                    blockers = await self._social.blockers(pairs)
                except Exception as error:  # noqa: BLE001 - whoever asked gets it
                    for future in futures.values():
                        future.set_exception(error)
                        future.exception()  # whoever asked may be gone
                else:
                    for pair, future in futures.items():
                        future.set_result(blockers.get(pair, []))
        finally:
            self._asking = None
