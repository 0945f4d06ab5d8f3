"""Whoever keeps receipts to himself (rule R24): nobody learns how far he has read, and he learns it of nobody."""

from typing import Any

from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import direct, group, say, shown
from tests.harness.people import Person


async def hide(person: Person, *, hidden: bool = True) -> None:
    """Somebody keeps receipts to himself, or shares them again."""
    await person.ask("PUT", "/api/users/me/privacy", {"readReceipts": not hidden})


async def last(person: Person, conversation: str) -> tuple[Any, ...]:
    """How far the last message has come, by the history, the list and the receipts of one who said it."""
    message = (await person.ask("GET", f"/api/conversations/{conversation}/messages"))["messages"][0]
    assert (await shown(person, conversation))["lastMessage"] == message
    receipts = await person.ask("GET", f"/api/messages/{message['id']}/receipts")
    read = [one["userId"] for one in message["readBy"]]
    assert read == [one["userId"] for one in receipts["readBy"]]
    assert len(read) == receipts["readCount"]
    return message["status"], read, receipts["memberCount"]


async def read(person: Person, conversation: str, upto: int) -> Any:
    return await person.ask("POST", f"/api/conversations/{conversation}/read", {"upToSeq": upto})


async def test_r24_who_keeps_receipts_to_himself_reads_unseen_and_his_own_numbers_are_right(
    people: People, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await hide(bob)
    await say(ada, conversation)
    adas, phone = await ada.at(pair[1]).socket(), await bob.socket("phone")

    answer = await read(bob, conversation, 2)

    assert (answer["unread"], answer["readSeq"]) == (0, 2)
    assert await phone.next("conversation:read") == answer
    assert await last(ada, conversation) == ("sent", [], 0)
    await adas.settle()
    assert adas.events("receipt:update") == []


async def test_r24_what_was_read_in_private_stays_private_when_receipts_are_shared_again(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await say(ada, conversation)
    await hide(bob)
    await read(bob, conversation, 2)

    await hide(bob, hidden=False)
    between = await last(ada, conversation)
    await say(ada, conversation)
    await read(bob, conversation, 3)

    assert between == ("sent", [], 1)
    assert await last(ada, conversation) == ("read", [bob.id], 1)


async def test_r24_who_keeps_receipts_to_himself_sees_nobodys(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await hide(ada)
    await say(ada, conversation)
    adas = await ada.socket()

    await read(bob, conversation, 2)

    assert await last(ada, conversation) == ("sent", [], 0)
    await adas.settle()
    assert adas.events("receipt:update") == []


async def test_r24_a_message_is_read_when_all_have_read_it_who_share_that(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    await hide(cyd)
    await say(ada, conversation)

    await read(cyd, conversation, 2)
    before = await last(ada, conversation)
    await read(bob, conversation, 2)

    assert before == ("sent", [], 1)
    assert await last(ada, conversation) == ("read", [bob.id], 1)


async def test_r24_an_answer_does_not_show_that_the_question_was_read(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await hide(bob)
    question = await say(ada, conversation, "question")

    await say(bob, conversation, "answer")

    receipts = await ada.ask("GET", f"/api/messages/{question['id']}/receipts")
    assert (receipts["readCount"], receipts["deliveredCount"]) == (0, 0)
