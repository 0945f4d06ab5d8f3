"""How much one person may upload."""

import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from handlers.media.models import LEAST_PART, PART_BYTES
from run import CORE
from tests.conftest import Cluster, People
from tests.handlers.media.helpers import announce, send, send_all, sign_in_again
from tests.harness import servers
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Refusal
from tests.harness.servers import Server

MIB = b"x" * PART_BYTES


@pytest.fixture
def still() -> TurnableClock:
    """A clock that stands still, so that nothing refills by itself."""
    return TurnableClock()


@pytest.fixture
async def strict(still: TurnableClock, tmp_path: Path) -> AsyncIterator[Server]:
    """A server that counts."""
    database = f"test_{secrets.token_hex(6)}"
    one = await servers.start(CORE, database=database, data_dir=tmp_path, clock=still, limits="on")
    yield one
    await one.app.mongo.drop()
    await one.stop()


async def outcome(call: Callable[[], Any]) -> str:
    try:
        await call()
    except Refusal as refusal:
        return refusal.code
    return "ok"


async def test_thirty_uploads_may_begin_at_once_then_one_every_two_seconds(
    strict: Server, still: TurnableClock, people: People
) -> None:
    (ada,) = await people("ada", at=strict)

    async def begin() -> None:
        media = await announce(ada, "file", b"x" * 100)
        await strict.app.mongo.collection("media").delete_one({"_id": media["id"]})

    first = [await outcome(begin) for _ in range(31)]
    still.advance(seconds=2)
    second = [await outcome(begin) for _ in range(2)]

    assert first == ["ok"] * 30 + ["rate_limited"]
    assert second == ["ok", "rate_limited"]


@pytest.fixture
async def ada(people: People, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Somebody on a server where 3 MiB a day and 2 unfinished uploads are allowed."""
    monkeypatch.setenv("MIXEE_MEDIA_BYTES_PER_DAY", str(3 * PART_BYTES))
    monkeypatch.setenv("MIXEE_MEDIA_MAX_OPEN", "2")
    return (await people("ada", at=await cluster()))[0]


async def test_bytes_of_a_day_are_counted_as_they_come_until_the_next_day(ada: Person, clock: TurnableClock) -> None:
    one, other = await announce(ada, "file", MIB * 2), await announce(ada, "file", MIB * 2)
    await send_all(ada, one["id"], MIB * 2)
    await send(ada, other["id"], 0, MIB)

    with pytest.raises(Refusal) as used_up:
        await send(ada, other["id"], PART_BYTES, MIB)
    with pytest.raises(Refusal) as begun:
        await announce(ada, "file", b"x")
    now = clock.now()
    clock.advance(hours=23, minutes=59)
    await sign_in_again(ada)
    clock.advance(minutes=1)
    await send(ada, other["id"], PART_BYTES, MIB)

    assert (used_up.value.status, used_up.value.code, begun.value.code) == (429, "media.used_up", "media.used_up")
    left = 86_400 - (now.hour * 3600 + now.minute * 60 + now.second)
    assert used_up.value.retry_after_ms is not None
    assert abs(used_up.value.retry_after_ms / 1000 - left) < 10
    assert (await ada.ask("GET", f"/api/media/{other['id']}"))["offset"] == 2 * PART_BYTES


async def test_unfinished_uploads_are_bounded_until_one_is_finished_or_deleted(ada: Person) -> None:
    data = b"x" * LEAST_PART
    one, other = await announce(ada, "file", data), await announce(ada, "file", data)
    refused = [await outcome(lambda: announce(ada, "file", data))]
    await send(ada, one["id"], 0, data)
    refused.append(await outcome(lambda: announce(ada, "file", data)))
    await ada.ask("POST", f"/api/media/{one['id']}/finish")
    refused.append(await outcome(lambda: announce(ada, "file", data)))
    refused.append(await outcome(lambda: announce(ada, "file", data)))
    await ada.ask("DELETE", f"/api/media/{other['id']}")
    refused.append(await outcome(lambda: announce(ada, "file", data)))

    assert refused == ["media.too_many_open", "media.too_many_open", "ok", "media.too_many_open", "ok"]
