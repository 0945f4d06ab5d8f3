"""Search: messages by their words, only where the one who asks is a member and only what is visible there."""

from typing import Any

import pytest

from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import direct, group, say
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal


async def found(who: Person, q: str, **more: str) -> list[str]:
    """The texts that somebody finds."""
    answer = await who.ask("GET", "/api/messages/search", params={"q": q, **more})
    return [one["content"] for one in answer["messages"]]


async def test_messages_are_found_by_all_words_in_any_case_and_accent(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    for text in ("The Café is OPEN", "the cafe is closed", "open the door", "Straße"):
        await say(ada, conversation, text)

    answers = {}
    for q in ("cafe", "OPEN café", "café!", "the", "strasse", "caf", "missing"):
        answer = await door(bob, "chat.search", {"q": q})
        answers[q] = [one["content"] for one in answer["messages"]]

    both = ["the cafe is closed", "The Café is OPEN"]
    assert answers == {
        "cafe": both,
        "OPEN café": ["The Café is OPEN"],
        "café!": both,
        "the": ["open the door", *both],
        "strasse": ["Straße"],
        "caf": [],
        "missing": [],
    }


async def test_search_stays_in_ones_own_conversations_or_in_the_one_that_is_named(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    here, there, elsewhere = await direct(ada, bob), await group(ada, bob), await direct(ada, cyd)
    await say(ada, here, "word here")
    await say(ada, there, "word there")
    await say(ada, elsewhere, "word elsewhere")

    assert await found(bob, "word") == ["word there", "word here"]
    assert await found(bob, "word", conversationId=here) == ["word here"]
    with pytest.raises(Refusal) as refusal:
        await found(bob, "word", conversationId=elsewhere)
    assert refusal.value.code == "not_found"


async def test_search_sees_what_the_one_who_asks_may_see_now(people: People, clock: TurnableClock) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    await say(ada, conversation, "word before Cyd")
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cyd.id]})
    deleted = await say(ada, conversation, "word deleted")
    edited = await say(ada, conversation, "word edited")
    await say(ada, conversation, "word expired", expiresIn=60)
    await say(ada, conversation, "word after Cyd")
    await ada.ask("DELETE", f"/api/messages/{deleted['id']}")
    await ada.ask("PUT", f"/api/messages/{edited['id']}", {"content": "other edited"})
    clock.advance(seconds=61)

    assert await found(cyd, "word") == ["word after Cyd"]
    assert await found(bob, "word") == ["word after Cyd", "word before Cyd"]
    assert await found(cyd, "other") == ["other edited"]
    await ada.ask("DELETE", f"/api/conversations/{conversation}/participants/{cyd.id}")
    assert await found(cyd, "word") == []


async def test_what_is_found_comes_in_pages_with_every_message_once(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    one, other = await direct(ada, bob), await group(ada, bob)
    await say(ada, other, "needle before Cyd")
    await ada.ask("POST", f"/api/conversations/{other}/participants", {"userIds": [cyd.id]})
    for number in range(7):
        await say(ada, (one, other)[number % 2], f"needle {number}")

    pages: list[list[str]] = []
    wanted: dict[str, Any] = {"q": "needle", "limit": 3}
    for _ in range(4):
        answer = await door(bob, "chat.search", wanted)
        pages.append([message["content"] for message in answer["messages"]])
        if answer["nextCursor"] is None:
            break
        wanted["cursor"] = answer["nextCursor"]

    assert pages == [
        ["needle 6", "needle 5", "needle 4"],
        ["needle 3", "needle 2", "needle 1"],
        ["needle 0", "needle before Cyd"],
    ]
    answer = await door(cyd, "chat.search", {"q": "needle", "limit": 3})
    assert [message["content"] for message in answer["messages"]] == ["needle 5", "needle 3", "needle 1"]
    assert (
        answer["nextCursor"] is None
        or (await door(cyd, "chat.search", {"q": "needle", "limit": 3, "cursor": answer["nextCursor"]}))["messages"]
        == []
    )


async def test_a_search_without_words_is_refused(people: People, door: Door) -> None:
    (ada,) = await people("ada")

    for wrong, field in (({"q": "  "}, "q"), ({"q": "!?"}, "q"), ({"q": "x", "limit": 26}, "limit"), ({}, "q")):
        with pytest.raises(Refusal) as refusal:
            await door(ada, "chat.search", wrong)
        assert refusal.value.fields == {field}
    with pytest.raises(Refusal) as refusal:
        await door(ada, "chat.search", {"q": "x", "cursor": "nonsense"})
    assert refusal.value.fields == {"cursor"}
