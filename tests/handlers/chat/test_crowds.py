"""Receipts and typing in groups as large as they may be: 500 members by default, 1,024 at most."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from run import CORE
from server.actors import Actor
from tests.handlers.chat.conftest import People, account
from tests.handlers.chat.helpers import say
from tests.harness import servers
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Refusal
from tests.harness.servers import Server


async def crowded(ada: Person, *ids: str) -> str:
    """A group of Ada and these, in which nobody but her is an admin."""
    wanted = {"type": "group", "name": "Crowd", "participantIds": list(ids)}
    return str((await ada.ask("POST", "/api/conversations", wanted))["id"])


async def receipts_and_typing(ada: Person, bob: Person, conversation: str, size: int) -> None:
    """In a group of this size nobody is told who reads or types, and a sender who asks gets numbers."""
    message = await say(ada, conversation, "to all")
    adas, bobs = await ada.socket(), await bob.socket()

    read = await bobs.ask("message:read", {"conversationId": conversation, "upToSeq": message["seq"]})
    await bobs.ask("message:typing", {"conversationId": conversation, "isTyping": True})
    await adas.ask("message:typing", {"conversationId": conversation, "isTyping": True})
    receipts = await ada.ask("GET", f"/api/messages/{message['id']}/receipts")

    await adas.settle()
    await bobs.settle()
    for socket in (adas, bobs):
        assert (socket.events("receipt:update"), socket.events("message:typing")) == ([], [])
    assert (await bobs.next("conversation:read"))["readSeq"] == message["seq"]
    assert (read["unread"], read["readSeq"]) == (0, message["seq"])
    counted = {"deliveredCount": 1, "readCount": 1, "memberCount": size - 1, "deliveredTo": [], "readBy": []}
    assert receipts == {"messageId": message["id"], **counted}
    page = await ada.ask("GET", f"/api/conversations/{conversation}/messages")
    assert [(one["status"], one["readBy"], one["deliveredTo"]) for one in page["messages"]] == [("sent", [], [])]
    with pytest.raises(Refusal) as refusal:
        await bob.ask("GET", f"/api/messages/{message['id']}/receipts")
    assert refusal.value.code == "forbidden"


async def test_r49_at_five_hundred_members_receipts_are_numbers_and_nobody_sees_typing(
    people: People, crowd: list[str]
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await crowded(ada, bob.id, *crowd[:498])

    await receipts_and_typing(ada, bob, conversation, 500)


@pytest.fixture
async def roomy(server: Server, clock: TurnableClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A server of the same cluster where groups may have as many members as any setting allows."""
    monkeypatch.setenv("MIXEE_CHAT_MAX_MEMBERS", "1024")
    settings = server.app.settings
    one = await servers.start(CORE, database=settings.mongodb_database, data_dir=settings.data_dir, clock=clock)
    yield one
    await one.stop()


async def test_r49_a_group_takes_1024_members_where_the_setting_says_so_and_the_rules_hold(
    roomy: Server, people: People, crowd: list[str]
) -> None:
    ada, bob = await people("ada", "bob")
    more = [one.id for one in await asyncio.gather(*(account(roomy, "more") for _ in range(523)))]
    ada, bob = ada.at(roomy), bob.at(roomy)
    conversation = await crowded(ada, bob.id, *crowd, *more[:522])

    added: dict[str, Any] = {"userIds": [more[522]]}
    with pytest.raises(Refusal) as refusal:
        await ada.ask("POST", f"/api/conversations/{conversation}/participants", added)

    assert refusal.value.code == "chat.group_full"
    await receipts_and_typing(ada, bob, conversation, 1024)
    await say(ada, conversation, "@all", mentionEveryone="all")
    chat = roomy.service("chat")
    last = Actor(more[521], "user", frozenset(), "session", "device", roomy.app.clock.now())
    mine = await chat.listing.one(last, conversation)
    assert (mine.unread, mine.mentions, len(mine.participants)) == (2, 1, 1024)
