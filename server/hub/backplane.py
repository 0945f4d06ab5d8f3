"""How the processes of a cluster hear each other: Redis sharded pub/sub, at most once, each hearing only what it hosts.

Redis may lose anything at any time. Nothing is lost by that: the log is the truth, a hole in a conversation's `seq`
is filled from it, and after an interruption the clients are told to `sync`.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable

from server.hub.channels import FEW, Channels
from server.hub.frames import Claim, Cut, Frame, Handover, Message, pack, pack_for_each, sent_by, unpack
from server.hub.measures import EVERY_SECONDS, Measures, Received
from storage.pubsub import ShardedPubSub
from storage.tasks import end

log = logging.getLogger("mixee.hub")

CONTROL_SECONDS = 5.0


class Backplane:
    """Sends messages to the processes that host somebody of their audience, and hands in theirs."""

    def __init__(
        self,
        url: str,
        *,
        namespace: str,
        node: str,
        heard: Callable[[Message], None],
        interrupted: Callable[[Collection[bytes]], None],
        linger: float = 30.0,
    ) -> None:
        """`interrupted(channels)`: something may have been lost there. Raises ValueError for a URL that is none."""
        self.channels = Channels(namespace)
        self.pubsub = ShardedPubSub(
            url, name=f"{namespace}.{node}", heard=self._take, interrupted=interrupted, linger=linger
        )
        self._node = node
        self._node_bytes = node.encode()
        self._heard = heard
        self._last = b""
        self._measuring: asyncio.Task[None] | None = None
        self.received = Received()

    @property
    def listening(self) -> bool:
        """Whether this process hears the others, as far as can be known."""
        return self.pubsub.up

    async def start(self) -> None:
        """Connect, and listen to orders. Raises OSError (also TimeoutError) when Redis does not answer in time."""
        await self.pubsub.start()
        ours = [self.channels.control, self.channels.process(self._node)]
        for channel in ours:
            self.hold(channel)
        if not await self.settled(ours, CONTROL_SECONDS):
            raise TimeoutError("Redis does not confirm a subscription")
        self._measuring = asyncio.get_running_loop().create_task(self._measure(), name="hub measures")

    async def stop(self) -> None:
        """Send what waits, for a moment, and close the connections."""
        await end(self._measuring)
        await self.pubsub.stop()

    def hold(self, channel: bytes) -> None:
        """Listen to a channel; see `ShardedPubSub.hold`."""
        self.pubsub.hold(channel)

    def release(self, channel: bytes) -> None:
        """Take back one `hold`."""
        self.pubsub.release(channel)

    async def settled(self, channels: Iterable[bytes], timeout: float | None) -> bool:  # noqa: ASYNC109 - no error
        """Wait until what is published on these is heard; whether it is after `timeout` seconds."""
        return await self.pubsub.settled(channels, timeout)

    def send(self, message: Message) -> None:
        """Tell the processes that it concerns, soon. Those that Redis does not reach find the hole by themselves."""
        publish, channels = self.pubsub.publish, self.channels
        if isinstance(message, Cut | Claim):
            publish((channels.control,), pack(self._node, message))
        elif isinstance(message, Handover):
            publish((channels.process(message.to),), pack(self._node, message))
        elif message.conversation is None:
            for user, data in pack_for_each(self._node, message):
                publish((channels.user(user),), data)
        else:
            publish(self._where(message), pack(self._node, message))

    def _where(self, frame: Frame) -> list[bytes]:
        """The channels of an entry: those of its people when they are few, else that of the conversation.

        When it changes who is in the conversation it goes to both: a newcomer's process does not listen to the
        conversation yet, and that of one who left may be the only one that listens to nothing else.
        """
        everybody = frame.members or frame.users
        where = []
        if len(everybody) <= FEW or frame.spread:
            where += [self.channels.user(one) for one in everybody]
        if frame.conversation is not None and (len(everybody) > FEW or frame.spread):
            where.append(self.channels.conversation(frame.conversation))
        return where

    def _take(self, _: bytes, data: bytes) -> None:
        if sent_by(data, self._node_bytes):
            self.received.own += 1
            return
        if data == self._last:
            self.received.repeated += 1
            return
        try:
            message = unpack(data)[1]
        except ValueError as error:
            self.received.unreadable += 1
            log.warning("a message on the backplane cannot be read: %s", error)
            return
        # An entry comes once for each of its people here. Other events may well be the same twice.
        self._last = data if isinstance(message, Frame) and message.seq else b""
        self.received.foreign += 1
        self._heard(message)

    async def _measure(self) -> None:
        measures = Measures()
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            measures.hand_over(self.received, self.pubsub)
