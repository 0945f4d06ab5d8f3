"""History: pages of what was said, each message on exactly one of them."""

from typing import Any

import pytest

from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import direct, emit, group, say
from tests.harness.people import Door, Person, Refusal


async def conversation_of(count: int, one: Person, other: Person) -> str:
    """A conversation in which `count` messages were said, named by their numbers."""
    conversation = await direct(one, other)
    socket = await one.socket()
    for number in range(1, count + 1):
        await emit(socket, conversation, str(number))
    return conversation


def texts(page: Any) -> list[str]:
    """What a page says, in its order."""
    return [one["content"] for one in page["messages"]]


async def test_history_goes_back_page_by_page_with_every_message_once(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await conversation_of(7, ada, bob)

    pages = [await door(bob, "chat.history", {"conversationId": conversation, "limit": 3})]
    while pages[-1]["hasMore"]:
        before = pages[-1]["nextBefore"]
        pages.append(await door(bob, "chat.history", {"conversationId": conversation, "limit": 3, "before": before}))

    assert [texts(page) for page in pages] == [["7", "6", "5"], ["4", "3", "2"], ["1"]]
    assert pages[-1]["nextBefore"] is None


async def test_history_goes_forward_from_a_message(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await conversation_of(5, ada, bob)

    wanted = {"conversationId": conversation, "limit": 2, "after": f"{conversation}:3"}
    page = await door(bob, "chat.history", wanted)
    last = await door(bob, "chat.history", wanted | {"after": f"{conversation}:5"})

    assert (texts(page), page["hasMore"]) == (["4", "3"], True)
    assert (texts(last), last["hasMore"]) == (["5"], False)


async def test_history_between_two_messages_has_what_lies_between(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await conversation_of(5, ada, bob)

    wanted = {"conversationId": conversation, "after": f"{conversation}:2", "before": f"{conversation}:6"}
    page = await door(bob, "chat.history", wanted)

    assert texts(page) == ["4", "3", "2"]


async def test_pages_are_full_also_where_other_entries_lie_between(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    for number in range(4):
        message = await say(ada, conversation, str(number))
        await bob.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": "👍"})

    page = await bob.ask("GET", f"/api/conversations/{conversation}/messages", params={"limit": "3"})

    assert texts(page) == ["3", "2", "1"]
    assert page["nextBefore"] == f"{conversation}:4"


async def test_a_page_has_at_most_a_hundred_messages_of_its_own_conversation(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation, other = await direct(ada, bob), await group(ada, bob)

    for wrong, code in (
        ({"limit": 0}, "bad_request"),
        ({"limit": 101}, "bad_request"),
        ({"before": "nonsense"}, "bad_request"),
        ({"before": f"{other}:1"}, "not_found"),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(ada, "chat.history", {"conversationId": conversation, **wrong})
        assert refusal.value.code == code
