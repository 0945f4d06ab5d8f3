"""What somebody sees of a group that was there before he came."""

from typing import Any

import pytest

from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import direct, group, missed, said, say, shown
from tests.harness.people import Person, Refusal


async def add(owner: Person, conversation: str, *people: Person) -> None:
    await owner.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [one.id for one in people]})


async def found(who: Person, q: str) -> list[str]:
    answer = await who.ask("GET", "/api/messages/search", params={"q": q})
    return [one["content"] for one in answer["messages"]]


async def test_r48_a_newcomer_sees_what_was_said_before_if_the_group_lets_him(people: People) -> None:
    ada, bob, cyd, dan = await people("ada", "bob", "cyd", "dan")
    conversation = await group(ada, bob)
    early = await say(ada, conversation, "word early")

    await add(ada, conversation, cyd)
    await ada.ask("PUT", f"/api/conversations/{conversation}", {"historyVisible": True})
    await add(ada, conversation, dan)
    await say(ada, conversation, "word late")

    assert [await said(one, conversation) for one in (cyd, dan)] == [["word late"], ["word early", "word late"]]
    assert [await found(one, "word") for one in (cyd, dan)] == [["word late"], ["word late", "word early"]]
    views = [await shown(one, conversation) for one in (cyd, dan)]
    assert [(one["joinedSeq"], one["unread"]) for one in views] == [(3, 1), (1, 1)]
    kinds = ["member", "message", "member", "settings", "member", "message"]
    assert await missed(dan, conversation) == list(enumerate(kinds, start=1))
    assert [seq for seq, _ in await missed(cyd, conversation)] == [3, 4, 5, 6]
    hearing: dict[str, Any] = {"cyd": await cyd.socket(), "dan": await dan.socket()}
    await ada.ask("PUT", f"/api/messages/{early['id']}", {"content": "word earlier"})
    assert (await hearing["dan"].next("message:updated"))["content"] == "word earlier"
    await hearing["cyd"].settle()
    assert hearing["cyd"].events("message:updated") == []
    await say(dan, conversation, "about that", replyToMessageId=early["id"])
    receipts = await ada.ask("GET", f"/api/messages/{early['id']}/receipts")
    assert receipts["memberCount"] == 1  # it was for Bob alone


async def test_r48_who_comes_by_a_link_sees_as_much_as_who_is_added(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, historyVisible=True)
    await say(ada, conversation, "before")
    link = await ada.ask("POST", f"/api/conversations/{conversation}/links", {})

    await bob.ask("POST", "/api/join", {"token": link["token"]})

    assert await said(bob, conversation) == ["before"]


async def test_r48_what_newcomers_see_is_decided_by_admins_and_only_from_then_on(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation, two = await group(ada, bob, cyd, historyVisible=True), await direct(ada, bob)
    await say(ada, conversation, "before")
    await ada.ask("DELETE", f"/api/conversations/{conversation}/participants/{cyd.id}")
    await ada.ask("PUT", f"/api/conversations/{conversation}", {"historyVisible": False})

    await add(ada, conversation, cyd)

    assert (await said(cyd, conversation), await said(bob, conversation)) == ([], ["before"])
    for where in (conversation, two):
        with pytest.raises(Refusal) as refusal:
            await bob.ask("PUT", f"/api/conversations/{where}", {"historyVisible": True})
        assert refusal.value.code == "forbidden"
