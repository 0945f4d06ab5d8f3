"""Marking a conversation as unread by hand."""

from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import direct, say, shown
from tests.harness.people import Door, Person


async def marks(who: Person, conversation: str) -> tuple[bool, int, int]:
    """Whether it is marked as unread, what is unread and up to where it was read, as the list says."""
    page = await who.ask("GET", "/api/conversations")
    (found,) = [one for one in page["conversations"] if one["id"] == conversation]
    return found["markedUnread"], found["unread"], found["myReadSeq"]


async def test_r29_marking_as_unread_is_a_flag_that_the_own_devices_hear_of_and_reading_ends(
    people: People, door: Door, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation)
    await bob.ask("POST", f"/api/conversations/{conversation}/read", {"messageId": message["id"]})
    adas, phone = await ada.socket(), await bob.at(pair[1]).socket("phone")

    answer = await door(bob, "chat.mark_unread", {"conversationId": conversation})

    assert answer == {
        "conversationId": conversation,
        "unread": 0,
        "mentions": 0,
        "seq": 2,
        "readSeq": 2,
        "deliveredSeq": 2,
        "markedUnread": True,
        "total": 1,
    }
    assert await phone.next("conversation:unread") == answer
    assert await marks(bob, conversation) == (True, 0, 2)
    assert await marks(ada, conversation) == (False, 0, 2)
    again = await door(bob, "chat.read", {"conversationId": conversation, "messageId": message["id"]})
    assert again == answer | {"markedUnread": False, "total": 0}
    assert await phone.next("conversation:read") == again
    assert await marks(bob, conversation) == (False, 0, 2)
    await adas.settle()
    assert adas.events("conversation:unread") == adas.events("receipt:update") == []


async def test_r29_receiving_leaves_the_mark_and_saying_something_later_ends_it(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await say(bob, conversation, "before the mark")
    await bob.ask("POST", f"/api/conversations/{conversation}/unread", {})

    await say(ada, conversation)
    await bob.ask("POST", f"/api/conversations/{conversation}/delivered", {"upToSeq": 3})
    assert await marks(bob, conversation) == (True, 1, 2)
    await say(bob, conversation, "after it")

    assert await marks(bob, conversation) == (False, 0, 4)


async def test_r29_what_was_said_before_the_mark_does_not_end_it_however_late_it_is_noted(
    people: People, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await say(bob, conversation)
    elsewhere = bob.at(pair[1])

    await elsewhere.ask("POST", f"/api/conversations/{conversation}/unread", {})
    here = await shown(bob, conversation)

    assert (here["markedUnread"], here["myReadSeq"]) == (True, 2)
