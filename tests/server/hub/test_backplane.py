"""Between processes: each hears what concerns the people it hosts, whole and in order, and nothing else."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any

import pytest

from server.hub.backplane import Backplane
from server.hub.channels import FEW
from server.hub.frames import Cut, Frame, Message
from tests.harness.redis_cluster import RedisCluster
from tests.harness.servers import REDIS, until


class Node:
    """A process's backplane, and what it heard."""

    def __init__(self, url: str, namespace: str, name: str) -> None:
        self.heard: list[Message] = []
        self.interrupted: list[Collection[bytes]] = []
        self.backplane = Backplane(
            url, namespace=namespace, node=name, heard=self.heard.append, interrupted=self.interrupted.append
        )
        self.channels = self.backplane.channels

    async def hosts(self, *users: str, large: Collection[str] = ()) -> None:
        """These people are connected here, and are in these large conversations."""
        wanted = [self.channels.user(one) for one in users] + [self.channels.conversation(one) for one in large]
        for channel in wanted:
            self.backplane.hold(channel)
        assert await self.backplane.settled(wanted, 5)

    @property
    def received(self) -> int:
        """Every publication that Redis sent to this process."""
        counts = self.backplane.received
        return counts.foreign + counts.own + counts.repeated + counts.unreadable


Nodes = Callable[[str], Awaitable[Node]]


@pytest.fixture(params=["one Redis", "a cluster"])
async def nodes(request: pytest.FixtureRequest, database: str, redis_cluster: RedisCluster) -> AsyncIterator[Nodes]:
    """`await nodes("one")`: one more process, on a single Redis and on a cluster."""
    url = redis_cluster.url if request.param == "a cluster" else os.environ[REDIS]
    made: list[Node] = []

    async def start(name: str) -> Node:
        node = Node(url, database, name)
        made.append(node)
        await node.backplane.start()
        return node

    yield start
    for one in made:
        await one.backplane.stop()


def people(count: int) -> list[str]:
    return [f"user{number:03}" for number in range(count)]


def entry(seq: int, users: Collection[str], **options: Any) -> Frame:
    return Frame(b"\x81\x04%04d" % seq, sorted(users), "c", seq, **options)


async def settle(one: Node, two: Node) -> None:
    """Return once Redis has handed on everything that `one` has sent, and `two` has heard what came after it."""
    await one.backplane.pubsub.drained()
    one.backplane.send(Cut("user", "nobody", "settle"))
    await until(lambda: Cut("user", "nobody", "settle") in two.heard)
    two.heard.remove(Cut("user", "nobody", "settle"))


async def test_a_burst_arrives_whole_and_in_the_order_in_which_it_was_sent(nodes: Nodes) -> None:
    one, two = await nodes("one"), await nodes("two")
    await two.hosts("ada")
    frames: list[Message] = [entry(seq, ["ada"]) for seq in range(1, 1_001)]

    for frame in frames:
        one.backplane.send(frame)

    await until(lambda: len(two.heard) == len(frames))
    assert two.heard == frames


async def test_a_process_that_hosts_nobody_of_an_audience_never_receives_it(nodes: Nodes) -> None:
    one, two, three = await nodes("one"), await nodes("two"), await nodes("three")
    crowd = people(100)
    await two.hosts(crowd[0], large=["c"])
    await three.hosts("eve", large=["other"])
    before = three.received

    one.backplane.send(Frame(b"\x81\x02hi", crowd))
    one.backplane.send(Frame(b"\x81\x02hi", crowd, passing=True))
    one.backplane.send(entry(1, crowd[:5]))
    one.backplane.send(entry(2, crowd))
    one.backplane.send(entry(3, crowd, spread=True))

    await until(lambda: len(two.heard) >= 5)
    await settle(one, three)
    assert three.received - before == 1  # the order by which the test knows that nothing is to come
    assert three.heard == []


async def test_the_people_of_a_small_conversation_are_told_each_and_those_of_a_large_one_together(
    nodes: Nodes,
) -> None:
    one, two, three = await nodes("one"), await nodes("two"), await nodes("three")
    crowd = people(FEW + 1)
    await two.hosts(*crowd)
    await three.hosts(large=["c"])

    one.backplane.send(entry(1, crowd[:FEW]))
    one.backplane.send(entry(2, crowd))

    await until(lambda: bool(three.heard))
    await settle(one, two)
    assert two.heard[0] == entry(1, crowd[:FEW])
    assert {one.seq for one in two.heard if isinstance(one, Frame)} == {1}
    assert three.heard[0] == entry(2, crowd)
    assert [one for one in three.heard if isinstance(one, Frame)] == [entry(2, crowd)]


async def test_a_change_of_members_is_told_to_each_and_to_the_conversation(nodes: Nodes) -> None:
    one, two, three = await nodes("one"), await nodes("two"), await nodes("three")
    crowd = people(FEW + 1)
    await two.hosts(crowd[-1])
    await three.hosts(large=["c"])

    one.backplane.send(entry(2, crowd, spread=True))
    one.backplane.send(entry(3, crowd[:2], spread=True))

    await until(lambda: len(two.heard) == 1 and len(three.heard) == 2)
    assert two.heard == [entry(2, crowd, spread=True)]
    assert set(map(repr, three.heard)) == {
        repr(entry(2, crowd, spread=True)),
        repr(entry(3, crowd[:2], spread=True)),
    }


async def test_members_who_do_not_see_an_entry_have_its_place_told_to_their_processes(nodes: Nodes) -> None:
    one, two, three = await nodes("one"), await nodes("two"), await nodes("three")
    await two.hosts("bob")
    await three.hosts(large=["c"])

    one.backplane.send(entry(1, ["ada"], members=["ada", "bob"]))
    one.backplane.send(entry(2, [], members=people(FEW + 1)))

    await until(lambda: bool(two.heard) and bool(three.heard))
    assert (two.heard, three.heard) == ([entry(1, ["ada"])], [entry(2, [])])


async def test_what_is_told_to_several_people_names_only_the_one_whose_channel_it_is(nodes: Nodes) -> None:
    one, two, three = await nodes("one"), await nodes("two"), await nodes("three")
    await two.hosts("ada")
    await three.hosts("bob")

    one.backplane.send(Frame(b"\x81\x02hi", ["ada", "bob", "cyd"]))

    await until(lambda: bool(two.heard) and bool(three.heard))
    assert (two.heard, three.heard) == ([Frame(b"\x81\x02hi", ["ada"])], [Frame(b"\x81\x02hi", ["bob"])])


async def test_an_order_reaches_every_process_but_its_own(nodes: Nodes) -> None:
    one, two, three = await nodes("one"), await nodes("two"), await nodes("three")

    one.backplane.send(Cut("session", "s", "session_revoked"))

    await until(lambda: bool(two.heard) and bool(three.heard))
    assert two.heard == three.heard == [Cut("session", "s", "session_revoked")]
    await until(lambda: one.backplane.received.own == 1)
    assert one.heard == []


async def test_what_is_told_twice_to_a_person_is_heard_twice(nodes: Nodes) -> None:
    one, two = await nodes("one"), await nodes("two")
    await two.hosts("ada")
    typing = Frame(b"\x81\x06typing", ["ada"], passing=True)

    one.backplane.send(typing)
    one.backplane.send(typing)

    await until(lambda: len(two.heard) == 2)
    assert two.heard == [typing, typing]


async def test_the_copies_of_an_entry_for_several_people_of_one_process_are_heard_once(database: str) -> None:
    one, two = Node(os.environ[REDIS], database, "one"), Node(os.environ[REDIS], database, "two")
    await asyncio.gather(one.backplane.start(), two.backplane.start())
    await two.hosts(*people(10))

    one.backplane.send(entry(1, people(12)))

    await until(lambda: two.backplane.received.repeated == 9)
    assert two.heard == [entry(1, people(12))]
    await asyncio.gather(one.backplane.stop(), two.backplane.stop())


async def test_what_cannot_be_read_is_counted_and_nobody_is_told(nodes: Nodes, database: str) -> None:
    one, two = await nodes("one"), await nodes("two")
    await two.hosts("ada")

    one.backplane.pubsub.publish([two.channels.user("ada")], b"rubbish")
    one.backplane.send(entry(1, ["ada"]))

    await until(lambda: two.heard == [entry(1, ["ada"])])
    assert two.backplane.received.unreadable == 1


async def test_clusters_that_share_a_redis_do_not_hear_each_other(nodes: Nodes, database: str) -> None:
    one = await nodes("one")
    other = Node(os.environ[REDIS], f"{database}x", "two")
    await other.backplane.start()
    await other.hosts("ada", large=["c"])

    one.backplane.send(entry(1, people(50), spread=True))
    one.backplane.send(Cut("user", "ada", "x"))

    await until(lambda: one.backplane.received.own == 1)
    assert other.received == 0
    await other.backplane.stop()


async def test_what_waits_when_a_process_stops_is_still_sent(nodes: Nodes) -> None:
    one, two = await nodes("one"), await nodes("two")
    await two.hosts("ada")

    one.backplane.send(entry(1, ["ada"]))
    await one.backplane.stop()

    await until(lambda: two.heard == [entry(1, ["ada"])])


async def test_while_redis_is_away_sending_keeps_nobody_waiting(database: str) -> None:
    node = Node("redis://127.0.0.1:1", database, "one")

    began = time.monotonic()
    for seq in range(1, 5_001):
        node.backplane.send(entry(seq, ["ada"]))

    assert time.monotonic() - began < 1
    assert node.backplane.pubsub.counts.dropped == 5_000
    assert node.backplane.listening is False
    await node.backplane.stop()


async def test_a_start_without_redis_fails(database: str) -> None:
    node = Node("redis://127.0.0.1:1", database, "one")

    with pytest.raises(ConnectionRefusedError):
        await node.backplane.start()
