"""How the processes of a cluster hear each other: one Redis channel, at most once, with notice after every gap.

Redis may lose anything at any time. Nothing is lost by that: the log is the truth, a hole in a conversation's `seq`
is filled from it, and after an interruption the clients are told to `sync`.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable

from server.hub.frames import Message, pack, unpack
from storage.redis import PubSub, Redis, RedisError

log = logging.getLogger("mixee.hub")

QUIET_SECONDS = 5.0
"""How long the subscriber waits for traffic before it asks Redis whether it is still there."""


class Backplane:
    """Sends messages to every other process, and hands in theirs, in the order in which Redis had them."""

    def __init__(
        self,
        redis: Redis,
        *,
        channel: str,
        node: str,
        heard: Callable[[Message], None],
        interrupted: Callable[[], Awaitable[None]],
    ) -> None:
        self._redis = redis
        self._channel = channel
        self._node = node
        self._heard = heard
        self._interrupted = interrupted
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._before = False

    @property
    def listening(self) -> bool:
        """Whether the subscription stands."""
        return self._listening.is_set()

    async def start(self) -> None:
        """Subscribe, and wait until it stands. Raises TimeoutError when Redis does not answer in time."""
        self._task = asyncio.create_task(self._listen(), name="hub backplane")
        await asyncio.wait_for(self._listening.wait(), 10)

    async def stop(self) -> None:
        """Unsubscribe."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def send(self, message: Message) -> bool:
        """Tell the other processes. False when Redis could not be reached: they will find the hole by themselves."""
        try:
            await self._redis.publish(self._channel, pack(self._node, message))
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("the backplane did not take a message: %s", error)
            return False
        return True

    async def _listen(self) -> None:
        pause = 0.05
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(self._channel)
                    pause = 0.05
                    await self._read(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("the backplane is interrupted, subscribing again: %s", error)
            self._listening.clear()
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 2.0)

    async def _read(self, pubsub: PubSub) -> None:
        while True:
            found = await pubsub.get_message(timeout=QUIET_SECONDS)
            if found is None:
                await pubsub.ping()
                continue
            if found["type"] == "subscribe":
                await self._subscribed()
            if found["type"] != "message":
                continue
            try:
                node, message = unpack(found["data"])
            except ValueError as error:
                log.warning("a message on the backplane cannot be read: %s", error)
                continue
            if node != self._node:
                self._heard(message)

    async def _subscribed(self) -> None:
        """The subscription stands: for the first time, or again after a gap (redis-py renews it by itself)."""
        self._listening.set()
        if self._before:
            await self._interrupted()
        self._before = True
