"""How much one person may say at once."""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from run import CORE
from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import fresh_id, group
from tests.harness import servers
from tests.harness.clock import TurnableClock
from tests.harness.people import Socket
from tests.harness.servers import Server


@pytest.fixture
def still() -> TurnableClock:
    """A clock that stands still, so that nothing refills by itself; whoever is made now is a week old."""
    return TurnableClock(datetime.now(UTC) + timedelta(days=8))


@pytest.fixture
async def strict(still: TurnableClock, tmp_path: Path) -> AsyncIterator[Server]:
    """A server that counts."""
    database = f"test_{secrets.token_hex(6)}"
    one = await servers.start(CORE, database=database, data_dir=tmp_path, clock=still, limits="on")
    yield one
    await one.app.mongo.drop()
    await one.stop()


async def burst(socket: Socket, conversation: str, count: int) -> list[str]:
    """Somebody says `count` things; what comes of each."""
    found = []
    for _ in range(count):
        wanted = {"conversationId": conversation, "type": "text", "content": "x", "clientMessageId": fresh_id()}
        answer = await socket.call("message:send", wanted)
        if not answer["ok"]:
            assert 0 < answer["error"]["retryAfterMs"] <= 2_000
        found.append("sent" if answer["ok"] else answer["error"]["code"])
    return found


async def test_ten_messages_at_once_in_a_conversation_and_twenty_in_all_are_enough(
    strict: Server, still: TurnableClock, people: People
) -> None:
    ada, bob = await people("ada", "bob", at=strict)
    one, other, third = await group(ada, bob), await group(ada, bob), await group(ada, bob)
    adas, bobs = await ada.socket(), await bob.socket()

    first = [await burst(adas, one, 11), await burst(adas, other, 8), await burst(bobs, one, 1)]
    second = await burst(adas, third, 4)
    still.advance(seconds=2)
    third_time = [await burst(adas, one, 2), await burst(adas, third, 2)]

    assert first == [["sent"] * 10 + ["rate_limited"], ["sent"] * 8, ["sent"]]
    assert second == ["sent", "sent", "rate_limited", "rate_limited"]
    assert third_time == [["sent", "rate_limited"], ["sent", "rate_limited"]]
