"""How the processes of a cluster hear each other: one Redis channel, at most once, with notice after every gap.

Redis may lose anything at any time. Nothing is lost by that: the log is the truth, a hole in a conversation's `seq`
is filled from it, and after an interruption the clients are told to `sync`.
"""

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from server.hub.frames import Message, pack, unpack
from storage.redis import PubSub, Redis, RedisError
from storage.tasks import end

log = logging.getLogger("mixee.hub")

QUIET_SECONDS = 5.0
"""How long the subscriber waits for traffic before it asks Redis whether it is still there."""

MAX_WAITING = 10_000
"""Messages that wait to be sent; more are let go, as when Redis is away."""
MAX_BATCH = 200
"""Messages that one trip to Redis carries."""
FLUSH_SECONDS = 2.0
"""How long `stop` waits for what is not sent yet."""


class Backplane:
    """Sends messages to every other process, and hands in theirs, in the order in which Redis had them.

    What this process sends leaves in the order of `send`: one trip is under way at a time and carries all that has
    gathered meanwhile.
    """

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
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._sent = asyncio.Event()
        self._sent.set()
        self._listening = asyncio.Event()
        self._before = False

    @property
    def listening(self) -> bool:
        """Whether the subscription stands."""
        return self._listening.is_set()

    async def start(self) -> None:
        """Subscribe, and wait until it stands. Raises TimeoutError when Redis does not answer in time."""
        self._tasks = [
            asyncio.create_task(self._listen(), name="hub backplane"),
            asyncio.create_task(self._write(), name="hub backplane, outgoing"),
        ]
        await asyncio.wait_for(self._listening.wait(), 10)

    async def stop(self) -> None:
        """Send what waits, for a moment, and unsubscribe."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._sent.wait(), FLUSH_SECONDS if self._tasks else 0)
        await end(*self._tasks)

    def send(self, message: Message) -> None:
        """Tell the other processes, soon. When Redis cannot be reached they find the hole by themselves."""
        if len(self._waiting) >= MAX_WAITING:
            return
        self._waiting.append(pack(self._node, message))
        self._sent.clear()
        self._wake.set()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
                try:
                    await self._publish(batch)
                except (RedisError, OSError, TimeoutError) as error:
                    log.warning("the backplane did not take %d messages: %s", len(batch), error)
            self._sent.set()

    async def _publish(self, batch: Sequence[bytes]) -> None:
        async with self._redis.pipeline(transaction=False) as trip:
            for data in batch:
                trip.publish(self._channel, data)
            await trip.execute()

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
