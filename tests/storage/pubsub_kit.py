"""What the tests of pub/sub share: a client that writes down what it hears."""

import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from storage.pubsub import ShardedPubSub
from tests.harness.servers import REDIS


class Ear:
    """A client of pub/sub, and what it heard."""

    def __init__(self, url: str, name: str, **options: Any) -> None:
        self.heard: list[tuple[bytes, bytes]] = []
        self.interrupted: list[set[bytes]] = []
        self.pubsub = ShardedPubSub(
            url,
            name=name,
            heard=lambda channel, payload: self.heard.append((channel, payload)),
            interrupted=self.interrupt,
            **options,
        )

    def interrupt(self, channels: Collection[bytes]) -> None:
        self.interrupted.append({one for one in channels if b"canary" not in one})

    async def hold(self, *channels: bytes) -> None:
        """Hold channels, and wait until the subscriptions stand."""
        for channel in channels:
            self.pubsub.hold(channel)
        assert await self.pubsub.settled(channels, 5)

    @property
    def payloads(self) -> list[bytes]:
        return [payload for _, payload in self.heard]


@asynccontextmanager
async def ear(name: str, url: str | None = None, **options: Any) -> AsyncIterator[Ear]:
    """A client, started; the tests' shared Redis unless another is given."""
    one = Ear(url or os.environ[REDIS], name, **options)
    await one.pubsub.start()
    try:
        yield one
    finally:
        await one.pubsub.stop()
