"""Sharded pub/sub with exact subscriptions, over one Redis or over the primaries of a Redis Cluster.

At most once, as Redis has it: whoever listens must live with losses, and hears of every one that can be noticed
(`interrupted`). Subscriptions are counted, asked for in batches, and kept for a while after the last holder let go.
"""

import asyncio
import contextlib
import logging
import random
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from storage.pubsub.backoff import Backoff
from storage.pubsub.canary import EVERY_SECONDS, WITHIN_SECONDS, Canary
from storage.pubsub.link import PING_SECONDS
from storage.pubsub.partitions import PARTITIONS, channel_in, partition_of
from storage.pubsub.place import Address, Place
from storage.pubsub.publisher import Counts, Publisher
from storage.pubsub.resp import may_pass, tail_of_publication
from storage.pubsub.subscriber import Subscriber
from storage.pubsub.subscriptions import Subscriptions
from storage.pubsub.topology import Topology, read_topology
from storage.tasks import end

log = logging.getLogger("mixee.pubsub")

START_SECONDS = 10.0
STOP_SECONDS = 2.0
"""How long `stop` waits for what is not published yet."""
LOOK_SECONDS = 30.0
"""How often a cluster is asked who holds which slots, when nothing tells that it has changed."""
CALM_SECONDS = 5.0
"""After so long without a change the next one is followed up at once."""
REFUSED_SECONDS = 2.0
"""When a refused subscription is asked for again."""
MAX_MOVED = 10_000
"""Publications that wait to learn which server has their slot."""


@dataclass(slots=True)
class _Server:
    publisher: Publisher
    subscriber: Subscriber
    tasks: tuple[asyncio.Task[None], ...]
    canary: bytes = b""


class ShardedPubSub:
    """`publish`, `hold` and `release` never wait. `heard(channel, payload)` is called for every publication.

    `interrupted(channels)` is called when subscriptions stand again after something may have been lost on them.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        heard: Callable[[bytes, bytes], None],
        interrupted: Callable[[Collection[bytes]], None],
        linger: float = 30.0,
        ping_seconds: float = PING_SECONDS,
        canary_seconds: float = EVERY_SECONDS,
        canary_within: float = WITHIN_SECONDS,
    ) -> None:
        """`name` is of this process alone. Raises ValueError for a URL that is none."""
        self._place = Place.of(url)
        self._heard = heard
        self._interrupted = interrupted
        self._ping_seconds = ping_seconds
        self._canary_seconds = canary_seconds
        self._canary_within = canary_within
        self._canary_name = f"canary.{name}".encode()
        self._canary = Canary(publish=self._sing, gap=self._gap, silent=self._silent)
        self._canaries: set[bytes] = set()
        self._subscriptions = Subscriptions(self._ask, self._end, linger=linger)
        self._topology = Topology([None] * PARTITIONS, cluster=False)
        self._servers: dict[Address, _Server] = {}
        self._publishers: list[Publisher | None] = [None] * PARTITIONS
        self._moved: deque[tuple[bytes, bytes]] = deque()
        self._back: list[bytes] = []
        self._stale = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.counts = Counts()

    async def start(self) -> None:
        """Connect. Raises OSError (also TimeoutError) when Redis does not answer in time."""
        try:
            async with asyncio.timeout(START_SECONDS):
                self._apply(await read_topology(self._place, [self._place.address]))
                # That answer may be of a cluster that is just changing: what is refused is followed up from here on.
                self._tasks.append(asyncio.create_task(self._watch_topology(), name="pubsub topology"))
                while not self._subscriptions.stand(self._canaries):
                    await self._subscriptions.settled(self._canaries, None)
        except BaseException:
            await self.stop()
            raise
        self._tasks.append(asyncio.create_task(self._watch_canary(), name="pubsub canary"))

    async def stop(self) -> None:
        """Publish what waits, for a moment, and close all connections."""
        await end(*self._tasks)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self.drained()
        self._subscriptions.close()
        await end(*(task for one in self._servers.values() for task in one.tasks))
        self._servers.clear()

    @property
    def up(self) -> bool:
        """Whether there is a link to every server, and what is published is heard."""
        return (
            bool(self._servers)
            and None not in self._topology.servers
            and all(one.subscriber.standing for one in self._servers.values())
            and self._canary.heard
        )

    @property
    def subscribed(self) -> int:
        """How many channels there are subscriptions for, also those that only linger."""
        return len(self._subscriptions)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of publications without an answer."""
        return sum(one.publisher.waiting_bytes for one in self._servers.values())

    def publish(self, channels: Iterable[bytes], payload: bytes) -> None:
        """Publish one payload on several channels, soon, in the order of the calls.

        While a cluster moves a slot what its old primary refused comes behind what the new one took meanwhile.
        """
        tail = tail_of_publication(payload)
        for channel in channels:
            self._publish(channel, tail)

    def hold(self, channel: bytes) -> None:
        """Subscribe to a channel, or count one more holder."""
        self._subscriptions.hold(channel)

    def release(self, channel: bytes) -> None:
        """Take back one `hold`; the subscription ends some time after the last one."""
        self._subscriptions.release(channel)

    async def settled(self, channels: Iterable[bytes], timeout: float | None) -> bool:  # noqa: ASYNC109 - no error
        """Wait until Redis has confirmed these subscriptions; whether it did in `timeout` seconds."""
        return await self._subscriptions.settled(channels, timeout)

    async def drained(self) -> None:
        """Wait until Redis has answered everything that was published so far, or it is lost."""
        await asyncio.gather(*(one.publisher.settled() for one in self._servers.values()))

    def up_again(self, subscriber: Subscriber) -> None:
        """A link stands (called by its Subscriber)."""
        one = self._servers.get(subscriber.address)
        if one is not None and one.subscriber is subscriber:
            self._subscriptions.lost(self._channels_at(subscriber.address))
            self._subscriptions.ask(self._channels_at(subscriber.address))

    def down(self, subscriber: Subscriber) -> None:
        """A link is lost (called by its Subscriber)."""
        one = self._servers.get(subscriber.address)
        if one is not None and one.subscriber is subscriber:
            self._canary.start_over(one.canary)
            self._subscriptions.lost(self._channels_at(subscriber.address))
            self._changed()

    def confirmed(self, source: Subscriber, channel: bytes) -> None:
        """A subscription stands (called by its Subscriber)."""
        if self._belongs(source, channel) and self._subscriptions.confirm(channel):
            self._back.append(channel)

    def settle(self) -> None:
        """All subscriptions that were asked for at a server stand or were refused (called by its Subscriber)."""
        if self._back:
            back, self._back = self._back, []
            self._interrupted(back)

    def dropped(self, source: Subscriber, channel: bytes) -> None:
        """Redis has ended a subscription (called by its Subscriber)."""
        if self._belongs(source, channel):
            self._subscriptions.lost([channel])
            self._stale.set()

    def refused(self, source: Subscriber, channels: Collection[bytes], error: Exception) -> None:
        """Redis has refused subscriptions (called by their Subscriber)."""
        self._subscriptions.lost([one for one in channels if self._belongs(source, one)])
        if may_pass(error):
            self._stale.set()
        else:
            log.error("Redis refuses subscriptions: %s", error)
            asyncio.get_running_loop().call_later(REFUSED_SECONDS, self._stale.set)

    def sang(self, channel: bytes, payload: bytes) -> None:
        """What came on the channel of the canary (called by its Subscriber)."""
        self._canary.hear(channel, payload)

    def _belongs(self, source: Subscriber, channel: bytes) -> bool:
        """Whether the channel is still at that server: what another one says of it comes too late."""
        return self._topology.servers[partition_of(channel)] == source.address

    def _channels_at(self, address: Address) -> list[bytes]:
        servers = self._topology.servers
        return [one for one in self._subscriptions.channels() if servers[partition_of(one)] == address]

    def _ask(self, channels: Iterable[bytes]) -> list[bytes]:
        return self._at_servers(channels, Subscriber.subscribe)

    def _end(self, channels: Iterable[bytes]) -> list[bytes]:
        return self._at_servers(channels, Subscriber.unsubscribe)

    def _at_servers(self, channels: Iterable[bytes], do: Callable[[Subscriber, list[bytes]], None]) -> list[bytes]:
        """Do something with channels at their servers; those whose server has a link."""
        at: dict[Address, list[bytes]] = defaultdict(list)
        for channel in channels:
            address = self._topology.servers[partition_of(channel)]
            if address is not None and self._servers[address].subscriber.standing:
                at[address].append(channel)
        for address, some in at.items():
            do(self._servers[address].subscriber, some)
        return [channel for some in at.values() for channel in some]

    def _publish(self, channel: bytes, tail: bytes) -> None:
        publisher = self._publishers[partition_of(channel)]
        if publisher is None:
            self.counts.dropped += 1
            self._stale.set()
        else:
            publisher.publish(channel, tail)

    def _changed(self) -> None:
        if self._topology.cluster:
            self._stale.set()

    def _moves(self, channel: bytes, tail: bytes) -> None:
        self._stale.set()
        if len(self._moved) < MAX_MOVED:
            self._moved.append((channel, tail))
        else:
            self.counts.lost += 1

    async def _watch_topology(self) -> None:
        loop, backoff, last = asyncio.get_running_loop(), Backoff(), 0.0
        while True:
            every = LOOK_SECONDS * random.uniform(0.8, 1.2) if self._topology.cluster else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await self._stale.wait()
            if loop.time() - last > CALM_SECONDS:
                backoff.reset()
            self._stale.clear()
            try:
                known = [*self._servers, self._place.address]
                random.shuffle(known)
                self._apply(await read_topology(self._place, known))
            except OSError as error:
                log.warning("no Redis server says who holds which slots: %s", error)
                self._stale.set()
            last = loop.time()
            await asyncio.sleep(backoff.pause())

    def _apply(self, topology: Topology) -> None:
        """Follow a topology: links to its servers alone, every subscription and publication where it belongs."""
        before, self._topology = self._topology, topology
        wanted = {one for one in topology.servers if one is not None}
        gone = [self._servers.pop(address) for address in self._servers.keys() - wanted]
        for address in wanted - self._servers.keys():
            self._servers[address] = self._server(address)
        self._publishers = [self._servers[one].publisher if one else None for one in topology.servers]
        self._place_canaries()
        moved = {number for number in range(PARTITIONS) if before.servers[number] != topology.servers[number]}
        self._subscriptions.lost([one for one in self._subscriptions.channels() if partition_of(one) in moved])
        self._subscriptions.ask(self._subscriptions.channels())
        for one in gone:
            self._moved.extend(one.publisher.give_back())
            for task in one.tasks:
                task.cancel()
        for _ in range(len(self._moved)):
            self._publish(*self._moved.popleft())
        if None in topology.servers:
            self._stale.set()

    def _server(self, address: Address) -> _Server:
        publisher = Publisher(
            self._place,
            address,
            self.counts,
            moved=self._moves,
            down=self._changed,
            ping_seconds=self._ping_seconds,
        )
        subscriber = Subscriber(self._place, address, self, heard=self._heard, ping_seconds=self._ping_seconds)
        loop = asyncio.get_running_loop()
        tasks = tuple(loop.create_task(one.run(), name=f"pubsub {address}") for one in (publisher, subscriber))
        return _Server(publisher, subscriber, tasks)

    def _place_canaries(self) -> None:
        """One channel at each server."""
        servers = self._topology.servers
        for address, one in self._servers.items():
            channel = channel_in(servers.index(address), self._canary_name)
            if channel != one.canary:
                one.canary = channel
                one.subscriber.watch(channel)
        before, self._canaries = self._canaries, {one.canary for one in self._servers.values()}
        self._canary.use(self._canaries)
        for channel in self._canaries - before:
            self._subscriptions.hold(channel)
        for channel in before - self._canaries:
            self._subscriptions.release(channel)

    def _sing(self, channel: bytes, number: bytes) -> None:
        self.publish((channel,), number)

    def _gap(self, channel: bytes) -> None:
        address = self._topology.servers[partition_of(channel)]
        if address is not None:
            self._interrupted(self._channels_at(address))

    def _silent(self, channel: bytes) -> None:
        address = self._topology.servers[partition_of(channel)]
        if address is not None:
            log.warning("nothing is heard from Redis %s, connecting again", address[0])
            self._servers[address].subscriber.renew()
        self._changed()

    async def _watch_canary(self) -> None:
        while True:
            self._canary.sing()
            await asyncio.sleep(self._canary_within)
            self._canary.check()
            await asyncio.sleep(self._canary_seconds - self._canary_within)
