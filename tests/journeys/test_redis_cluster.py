"""The whole server on a Redis Cluster: limits, presence and chat over two processes, as on a single Redis."""

import pytest

from tests.conftest import Cluster, People
from tests.harness.redis_cluster import RedisCluster
from tests.harness.servers import REDIS, until


@pytest.fixture
def on_a_cluster(redis_cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that start from now on are given the cluster."""
    monkeypatch.setenv(REDIS, redis_cluster.url)


@pytest.mark.usefixtures("on_a_cluster", "eager_presence")
async def test_friends_see_each_other_come_talk_and_are_limited_together(cluster: Cluster, people: People) -> None:
    one, two = await cluster(limits="on"), await cluster(limits="on")
    ada, bob = await people("ada", "bob", at=one)
    asked = await ada.ask("POST", "/api/friends/request", {"recipientId": bob.id})
    await bob.ask("PUT", f"/api/friends/{asked['id']}/accept")
    conversation = await ada.ask("POST", "/api/conversations", {"type": "direct", "participantIds": [bob.id]})

    here = await ada.socket()
    there = await bob.at(two).socket()
    came = await here.next("presence:updated")
    for number in range(10):
        wanted = {"conversationId": conversation["id"], "type": "text", "content": f"{number}"}
        await (here, there)[number % 2].ask("message:send", wanted | {"clientMessageId": f"message-{number:08d}"})

    assert (came["userId"], came["status"]) == (bob.id, "online")
    for socket in (here, there):
        await until(lambda socket=socket: len(socket.events("message:new")) == 10)
        assert [message["content"] for message in socket.events("message:new")] == [str(n) for n in range(10)]
    answers = [
        (await ada.at((one, two)[number % 2]).http("POST", "/api/auth/login", {"identifier": "x", "password": "y"}))[0]
        for number in range(40)
    ]
    assert answers.count(429) > 0
    assert [status for status, _ in [await who.http("GET", "/readyz") for who in (ada, bob.at(two))]] == [200, 200]
