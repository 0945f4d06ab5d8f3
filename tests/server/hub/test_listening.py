"""What a process listens to as people come and go: nothing is missed at the edges, and nothing is heard for nobody."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from socketio.exceptions import ConnectionError as SocketRefused

from server.hub import channels, listening
from server.hub.backplane import Backplane
from server.hub.frames import Frame
from storage.redis import Redis
from tests.harness.people import Person
from tests.harness.redis_cluster import RedisCluster, RedisProcess
from tests.harness.servers import REDIS, Server, until
from tests.server.conftest import Engine, notes_of
from tests.server.notes import Position

At = Callable[[str, Server], Awaitable[Person]]

CROWD = [f"member{number}" for number in range(channels.FEW)]
"""With one more they are a large conversation."""


@pytest.fixture
async def at() -> AsyncIterator[At]:
    """`await at("ada", server)`: somebody at a server."""
    made: list[Person] = []
    async with aiohttp.ClientSession() as session:

        async def start(name: str, server: Server) -> Person:
            person = Person(server, session, name, {"user": {"id": name}, "tokens": {"accessToken": f"user:{name}"}})
            made.append(person)
            return person

        yield start
        for one in made:
            await one.close()


def step(seq: int, *to: str, **options: Any) -> Position:
    return Position(thread="t", seq=seq, to=list(to), **options)


def backplane_of(server: Server) -> Backplane:
    return server.app.hub._listening.backplane


def holds(server: Server, user: str = "", conversation: str = "") -> bool:
    """Whether a process has the channel of a person or of a large conversation."""
    backplane = backplane_of(server)
    wanted = backplane.channels.user(user) if user else backplane.channels.conversation(conversation)
    known = backplane.pubsub._subscriptions._channels.get(wanted)
    return known is not None and known.holders > 0


async def test_what_is_published_right_after_somebody_is_let_in_is_heard(engine: Engine, at: At) -> None:
    one, two = await engine(), await engine()

    for number in range(20):
        ada = await (await at(f"ada{number}", two)).socket()
        await notes_of(one).step(Position(thread=f"t{number}", seq=1, to=[f"ada{number}"]))

        assert await ada.next("note:step") == {"thread": f"t{number}", "seq": 1}


async def test_a_process_without_anybody_of_a_thread_receives_nothing_of_it(engine: Engine, at: At) -> None:
    one, two, three = await engine(), await engine(), await engine()
    ada = await (await at("ada", two)).socket()
    await (await at("eve", three)).socket()
    before = backplane_of(three).received.foreign

    for seq in range(1, 51):
        await notes_of(one).step(step(seq, "ada", "bob"))

    await until(lambda: len(ada.events("note:step")) == 50)
    assert backplane_of(three).received.foreign == before


async def test_members_of_a_large_thread_hear_it_over_its_own_channel(engine: Engine, at: At) -> None:
    one, two = await engine(), await engine()
    notes_of(two).large = {"ada": ["t"]}
    ada = await (await at("ada", two)).socket()

    await notes_of(one).step(step(1, "ada", *CROWD))

    assert await ada.next("note:step") == {"thread": "t", "seq": 1}
    assert holds(two, conversation="t")
    assert backplane_of(two).received.foreign == 1


async def test_who_comes_into_a_large_thread_hears_what_follows_and_who_leaves_hears_no_more(
    engine: Engine, at: At
) -> None:
    one, two = await engine(), await engine()
    ada = await (await at("ada", two)).socket()

    await notes_of(one).step(step(1, "ada", *CROWD, spread=True))
    await until(lambda: holds(two, conversation="t"))
    await notes_of(one).step(step(2, "ada", *CROWD))
    await until(lambda: len(ada.events("note:step")) == 2)
    await notes_of(one).step(step(3, *CROWD, spread=True))
    await until(lambda: not holds(two, conversation="t"))
    await notes_of(one).step(step(4, *CROWD))

    await ada.settle()
    assert [one["seq"] for one in ada.events("note:step")] == [1, 2]


async def test_what_was_appended_before_the_new_subscription_stood_is_read_from_the_log(engine: Engine, at: At) -> None:
    one, two = await engine(), await engine()
    ada = await (await at("ada", two)).socket()
    await notes_of(one).step(step(1, "ada"))
    await ada.next("note:step")
    notes_of(two).log = notes_of(one).log

    await notes_of(one).step(step(2, "ada", *CROWD, spread=True))
    for seq in (3, 4, 5):
        await notes_of(one).step(step(seq, "ada", *CROWD))

    await until(lambda: len(ada.events("note:step")) == 5)
    assert [one["seq"] for one in ada.events("note:step")] == [1, 2, 3, 4, 5]
    assert notes_of(two).filled == [("t", 3, 5)]


async def test_a_loss_at_the_end_is_found_by_the_comparison_with_the_log(
    engine: Engine, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(listening, "LATE_SECONDS", 0.02)
    one, two = await engine(), await engine()
    ada = await (await at("ada", two)).socket()
    await notes_of(one).step(step(1, "ada"))
    await ada.next("note:step")

    notes_of(two).log = {
        **notes_of(one).log,
        ("t", 2): Frame.of("note:step", {"thread": "t", "seq": 2}, ["ada"], "t", 2),
    }

    assert await ada.next("note:step") == {"thread": "t", "seq": 2}


async def test_after_an_interruption_memberships_are_read_again(engine: Engine, at: At, redis: Redis) -> None:
    one = await engine()
    ada = await (await at("ada", one)).socket()
    notes_of(one).large = {"ada": ["t"]}

    await redis.client_kill_filter(_type="pubsub")

    assert await ada.next("sync:behind") == {"conversationIds": []}
    await until(lambda: holds(one, conversation="t"))


async def test_memberships_that_cannot_be_read_after_an_interruption_are_read_later(
    engine: Engine, at: At, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "AGAIN_SECONDS", 0.02)
    one = await engine()
    ada = await (await at("ada", one)).socket()
    asked: list[object] = []

    async def gather(user_ids: object) -> dict[str, list[str]]:
        asked.append(user_ids)
        if len(asked) == 1:
            raise ConnectionError("no database")
        return {"ada": ["t"]}

    one.app.hub.gathers(gather)
    await redis.client_kill_filter(_type="pubsub")

    await ada.next("sync:behind")
    await until(lambda: holds(one, conversation="t"))
    assert asked == [["ada"], ["ada"]]


async def test_entries_that_were_let_go_make_memberships_doubtful(engine: Engine, at: At) -> None:
    one = await engine()
    ada = await (await at("ada", one)).socket()
    notes_of(one).large = {"ada": ["t"]}

    one.app.hub._lost("t", ["ada", "bob"])

    assert await ada.next("sync:behind") == {"conversationIds": ["t"]}
    await until(lambda: holds(one, conversation="t"))


async def test_the_last_of_a_person_s_devices_ends_the_listening(engine: Engine, at: At) -> None:
    one = await engine()
    notes_of(one).large = {"ada": ["t"]}
    ada = await at("ada", one)
    await ada.socket("phone")
    await ada.socket("desk")

    both = holds(one, user="ada"), holds(one, conversation="t")
    await ada.close()

    assert both == (True, True)
    await until(lambda: not holds(one, user="ada") and not holds(one, conversation="t"))
    assert one.app.hub.size == 0


async def test_somebody_whose_conversations_cannot_be_read_is_not_let_in(engine: Engine, at: At) -> None:
    one = await engine()
    ada = await at("ada", one)

    async def broken(_: object) -> dict[str, list[str]]:
        raise ConnectionError("no database")

    one.app.hub.gathers(broken)
    with pytest.raises(SocketRefused):
        await ada.socket()

    assert (one.app.hub.size, holds(one, user="ada")) == (0, False)


async def test_while_redis_stands_still_people_are_let_in_told_to_sync_later_and_the_process_is_not_ready(
    engine: Engine, at: At, redis_process: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REDIS, redis_process.url)
    one = await engine()
    ada = await at("ada", one)

    redis_process.signal(signal.SIGSTOP)
    socket = await ada.socket()
    await until(lambda: not one.app.hub.listening, seconds=8)
    redis_process.signal(signal.SIGCONT)

    assert await socket.next("sync:behind") == {"conversationIds": []}
    await until(lambda: one.app.hub.listening)


async def test_servers_on_a_redis_cluster_are_one_server_to_the_people(
    engine: Engine, at: At, redis_cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REDIS, redis_cluster.url)
    one, two = await engine(limits="on"), await engine(limits="on")
    crowd = [await (await at(f"ada{number}", (one, two)[number % 2])).socket() for number in range(8)]
    names = [f"ada{number}" for number in range(8)]

    await asyncio.gather(*(notes_of((one, two)[seq % 2]).step(step(seq, *names)) for seq in range(1, 41)))
    rare = [(await crowd[0].call("note:rare", {}))["ok"] for _ in range(3)]
    await one.app.hub.cut(by="session", who="session-ada1", code="session_revoked")

    for socket in crowd:
        await until(lambda socket=socket: len(socket.events("note:step")) == 40)
        assert [found["seq"] for found in socket.events("note:step")] == list(range(1, 41))
    assert rare == [True, True, False]
    assert await crowd[1].next("session:closed") == {"code": "session_revoked"}
    assert (await (await at("bob", one)).http("GET", "/readyz"))[0] == 200
