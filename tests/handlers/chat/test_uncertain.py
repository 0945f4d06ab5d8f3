"""Messages without an answer: they may be in the log or not, and either way nobody counts his own as unread."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from storage import log
from storage.mongo import Document
from tests.conftest import Cluster
from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import direct, emit, fresh_id, say, shown
from tests.handlers.chat.test_unread import stored
from tests.harness.people import Person, Refusal
from tests.harness.servers import Server, until


class Slow(log.Log):
    """A log over a database that may take its time: before it writes, or after it has written."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.before = asyncio.Event()
        self.before.set()
        self.silent = False

    async def insert(self, documents: Sequence[Document], session: Any = None) -> None:
        """Write, but answer only when the database is neither held up nor silent."""
        await self.before.wait()
        await super().insert(documents, session)
        if self.silent:
            raise ConnectionError("the connection broke before the answer came")


async def with_log(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[Server, Slow]:
    """A server with a log of its own, and that log."""
    made: list[Slow] = []

    def slow(*given: Any, **more: Any) -> Slow:
        made.append(Slow(*given, **more, **options))
        return made[-1]

    with monkeypatch.context() as patched:
        patched.setattr(log, "Log", slow)
        server = await cluster()
    return server, made[0]


async def numbers(who: Person, conversation: str) -> tuple[int, int]:
    """What somebody has not read, and up to where he has."""
    seen = await shown(who, conversation)
    return seen["unread"], seen["myReadSeq"]


async def test_r21_who_gets_no_answer_does_not_count_his_own_message_and_has_read_once_he_repeats_it(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, slow = await with_log(cluster, monkeypatch)
    ada, bob = await people("ada", "bob", at=server)
    conversation, ears = await direct(ada, bob), await bob.socket()
    await say(bob, conversation, "a question")
    wanted = {"clientMessageId": fresh_id(), "content": "an answer", "type": "text"}
    path = f"/api/conversations/{conversation}/messages"

    slow.silent = True
    with pytest.raises(Refusal, match="unavailable"):
        await ada.ask("POST", path, wanted)
    slow.silent = False

    assert [one["s"] for one in await stored(server, conversation) if one["u"] == ada.id][-1] == 3
    assert await numbers(ada, conversation) == (1, 1)
    assert await numbers(bob, conversation) == (1, 2)

    again = await ada.ask("POST", path, wanted)

    assert (again["seq"], again["duplicate"]) == (3, True)
    assert await numbers(ada, conversation) == (0, 3)
    assert await numbers(bob, conversation) == (1, 2)
    assert [(await ears.next("message:new"))["seq"] for _ in range(2)] == [2, 3]


async def test_what_is_refused_because_too_much_waits_is_not_in_the_log_and_counts_for_nobody(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, slow = await with_log(cluster, monkeypatch, max_pending=1)
    ada, bob = await people("ada", "bob", at=server)
    conversation = await direct(ada, bob)
    await say(bob, conversation, "a question")
    socket = await ada.socket()

    slow.before.clear()
    first = asyncio.create_task(emit(socket, conversation, "this one waits"))
    await until(lambda: slow.pending == 1)
    with pytest.raises(Refusal, match="overloaded"):
        await emit(socket, conversation, "this one is too much")
    assert await numbers(ada, conversation) == (1, 1)
    slow.before.set()

    assert (await first)["seq"] == 3
    assert [one["b"].get("content") for one in await stored(server, conversation)][1:] == [
        "a question",
        "this one waits",
    ]
    assert (await numbers(ada, conversation), await numbers(bob, conversation)) == ((0, 3), (1, 2))
