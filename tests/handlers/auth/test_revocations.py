"""How every process learns in time that a session ended."""

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from handlers.auth.service import Revocations
from handlers.auth.service import revocations as module
from handlers.auth.store import REVOCATION_INDEXES, RevocationStore
from server.actors import Actor
from server.errors import Unavailable
from server.hub.connections import Connection
from storage.mongo import Mongo
from tests.conftest import Cluster, People
from tests.harness.clock import TurnableClock
from tests.harness.servers import MONGODB


class Scissors:
    """Remembers what was cut."""

    def __init__(self) -> None:
        self.cut: list[tuple[str, str]] = []

    async def __call__(self, *, by: str, who: str, code: str) -> None:
        assert by == "session"
        self.cut.append((who, code))


@pytest.fixture
def scissors() -> Scissors:
    return Scissors()


@pytest.fixture
def still() -> TurnableClock:
    """A clock that stands still, so that a look is as fresh as the test says."""
    return TurnableClock(datetime.now(UTC))


@pytest.fixture
async def store(mongo: Mongo) -> RevocationStore:
    collection = mongo.collection("revocations")
    await collection.create_indexes(REVOCATION_INDEXES)
    return RevocationStore(collection)


@pytest.fixture
def process(store: RevocationStore, still: TurnableClock, scissors: Scissors) -> Revocations:
    """One process's knowledge of what ended."""
    return Revocations(store, still, cut=scissors)


def connection(session_id: str, still: TurnableClock, name: str = "c1") -> Connection:
    actor = Actor("u", "user", frozenset(), session_id, "d", still.now() + timedelta(hours=1))
    return Connection(name, actor, "127.0.0.1", still.now())


async def test_what_ended_elsewhere_is_known_after_one_look(
    process: Revocations, store: RevocationStore, still: TurnableClock
) -> None:
    await process.look()
    assert not await process.has("s1")

    await store.add("s1", "session_revoked", still.now() + timedelta(hours=1))
    await process.look()

    assert await process.has("s1")
    assert not await process.has("s2")


async def test_while_the_last_look_is_fresh_nothing_is_asked(
    store: RevocationStore, still: TurnableClock, scissors: Scissors, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    have = store.have

    async def watched(session_ids: Sequence[str]) -> dict[str, bool]:
        asked.extend(session_ids)
        return await have(session_ids)

    monkeypatch.setattr(store, "have", watched)
    process = Revocations(store, still, cut=scissors)
    await process.look()

    still.advance(seconds=2)
    await process.has("s1")
    assert asked == []

    still.advance(seconds=0.1)
    await process.has("s1")
    assert asked == ["s1"]


async def test_a_process_that_could_not_look_asks_about_each_session(
    process: Revocations, store: RevocationStore, still: TurnableClock
) -> None:
    await process.look()
    await store.add("s1", "session_revoked", still.now() + timedelta(hours=1))
    still.advance(seconds=3)

    one, two, same = await asyncio.gather(process.has("s1"), process.has("s2"), process.has("s1"))
    assert (one, two, same) == (True, False, True)


async def test_without_the_database_old_knowledge_lets_nobody_in(still: TurnableClock, scissors: Scissors) -> None:
    gone = Mongo(os.environ[MONGODB], "gone")
    await gone.close()
    process = Revocations(RevocationStore(gone.collection("revocations")), still, cut=scissors)

    with pytest.raises(Unavailable):
        await process.has("s1")


async def test_a_connection_of_an_ended_session_is_cut_at_the_next_look_when_the_order_was_lost(
    process: Revocations, store: RevocationStore, still: TurnableClock, scissors: Scissors
) -> None:
    await process.look()
    await process.connected(connection("s1", still))
    await process.connected(connection("s2", still, "c2"))
    await process.connected(connection("s3", still, "c3"))
    await process.disconnected(connection("s3", still, "c3"))
    for session_id in ("s1", "s3", "s4"):
        await store.add(session_id, "replaced", still.now() + timedelta(hours=1))

    await process.look()

    assert scissors.cut == [("s1", "replaced")]


async def test_a_connection_that_comes_in_while_its_session_ends_is_cut(
    process: Revocations, still: TurnableClock, scissors: Scissors
) -> None:
    process.note("s1", "session_revoked", still.now() + timedelta(hours=1))

    await process.connected(connection("s1", still))

    assert scissors.cut == [("s1", "session_revoked")]


async def test_what_ended_is_forgotten_with_its_last_token(
    process: Revocations, store: RevocationStore, still: TurnableClock
) -> None:
    await store.add("s1", "session_revoked", still.now() + timedelta(hours=1))
    await process.look()
    assert await process.has("s1")
    await store._revocations.delete_many({})
    still.advance(minutes=61)

    await process.look()

    assert process._ended == {}


async def test_more_than_can_be_remembered_is_asked_of_the_database(
    process: Revocations, store: RevocationStore, still: TurnableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    for number in range(5):
        await store.add(f"s{number}", "session_revoked", still.now() + timedelta(hours=1))

    await process.look()

    assert [await process.has(f"s{number}") for number in range(6)] == [True] * 5 + [False]
    assert len(process._ended) == 3


async def test_a_connection_is_cut_also_while_there_is_more_than_can_be_remembered(
    process: Revocations,
    store: RevocationStore,
    still: TurnableClock,
    scissors: Scissors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    for number in range(3):
        await store.add(f"s{number}", "session_revoked", still.now() + timedelta(hours=1))
    await process.look()
    await process.connected(connection("s9", still))
    await store.add("s9", "replaced", still.now() + timedelta(hours=1))

    await process.look()

    assert scissors.cut == [("s9", "replaced")]


async def test_everything_is_remembered_again_once_there_is_room(
    process: Revocations, store: RevocationStore, still: TurnableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    for number in range(5):
        await store.add(f"s{number}", "session_revoked", still.now() + timedelta(hours=number))
    await process.look()
    await store._revocations.delete_many({"_id": {"$in": ["s0", "s1", "s2"]}})
    still.advance(hours=2.5)

    await process.look()

    monkeypatch.setattr(process, "_ask", None)  # nothing is asked
    assert [await process.has(f"s{number}") for number in range(6)] == [False] * 3 + [True, True, False]


async def test_the_look_is_served_by_an_index(mongo: Mongo, store: RevocationStore, still: TurnableClock) -> None:
    plan = await mongo.collection("revocations").explain({"at": {"$gte": still.now()}}, sort=[("at", 1)])

    stage = plan["queryPlanner"]["winningPlan"]["inputStage"]
    assert (stage["stage"], stage["indexName"]) == ("IXSCAN", "at")


async def test_a_session_ended_on_one_server_is_refused_by_the_other_within_two_seconds(
    cluster: Cluster, people: People
) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    assert (await ada.at(other).http("GET", "/api/users/me"))[0] == 200

    await ada.http("POST", "/api/auth/logout")
    ended = time.monotonic()
    while (await ada.at(other).http("GET", "/api/users/me"))[0] == 200:
        assert time.monotonic() - ended < 2.0
        await asyncio.sleep(0.05)

    assert (await ada.http("GET", "/api/users/me"))[0] == 401
