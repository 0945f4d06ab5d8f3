"""Questions that many ask at the same moment, put to storage as one: what one trip costs is shared by all who wait."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

REST_SECONDS = 0.005
"""From the beginning of one question to that of the next: when many ask, each trip then serves more of them."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """`await together(key)`: the answer to `ask([key, …])` for that key.

    One question is under way at a time, and the next begins no sooner than `rest` seconds after it. Whoever asks
    meanwhile is part of the next one, so an answer is never older than its question, and nobody waits when nobody else
    asks.
    """

    def __init__(
        self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, most: int = 500, rest: float = REST_SECONDS
    ) -> None:
        """`ask` answers for every key that it is given; `most`: how many keys one question has."""
        self._ask = ask
        self._most = most
        self._rest = rest
        self._asked = float("-inf")
        self._waiting: dict[K, asyncio.Future[V]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, key: K) -> V:
        """The answer for one key. Raises what the question raises."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            future.add_done_callback(_seen)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._run())
        return await asyncio.shield(future)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            if len(self._waiting) < self._most and (left := self._asked + self._rest - loop.time()) > 0:
                await asyncio.sleep(left)
            self._asked = loop.time()
            batch = {key: self._waiting.pop(key) for key in list(islice(self._waiting, self._most))}
            try:
                found = await self._ask(list(batch))
                for key, future in batch.items():
                    future.set_result(found[key])
            except BaseException as error:
                for future in batch.values():
                    if not future.done():
                        future.set_exception(_as_error(error))
                if not isinstance(error, Exception):
                    raise


def _seen(future: asyncio.Future[V]) -> None:
    """Who asked may have gone: then nobody else looks at what went wrong."""
    if not future.cancelled():
        future.exception()


def _as_error(error: BaseException) -> BaseException:
    return RuntimeError("the question was cancelled") if isinstance(error, asyncio.CancelledError) else error
