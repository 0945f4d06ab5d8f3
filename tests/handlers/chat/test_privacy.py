"""Nobody gets into a conversation who is not a member: every command, tried by strangers and by ex-members."""

from typing import Any

import pytest

from handlers.chat.routes import routes
from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import direct, group, missed, say, shown
from tests.harness.people import Door, Person, Refusal

FOLDERS = {f"chat.{one}_folder" for one in ("create", "change", "delete")} | {"chat.list_folders", "chat.order_folders"}
OWN = {"chat.list_starred", "chat.list_drafts", "chat.list_threads"}
"""What people keep for themselves: `test_stars.py` and `test_threads.py` say who sees it."""
PUBLIC = {
    "chat.check",
    "chat.create",
    "chat.delete_many",
    "chat.join",
    "chat.list_mine",
    "chat.message_requests",
    "chat.search",
    "chat.sync",
    *FOLDERS,
    *OWN,
}
"""Commands that name no conversation; what they hand out is checked one by one below."""


def attempts(conversation: str, text: str, poll: str, other: str) -> dict[str, dict[str, Any]]:
    """An input for every command that names a conversation or a message of it."""
    here = {"conversationId": conversation}
    return {
        "chat.get": here,
        "chat.change": here | {"isArchived": True},
        "chat.delete": here,
        "chat.set_timer": here | {"seconds": 0},
        "chat.add_participants": here | {"userIds": [other]},
        "chat.change_participant": here | {"userId": other, "role": "admin"},
        "chat.remove_participant": here | {"userId": other},
        "chat.change_permissions": here | {"send": False},
        "chat.restrict_participant": here | {"userId": other, "denied": ["send"]},
        "chat.list_audit": here,
        "chat.make_link": here,
        "chat.list_links": here,
        "chat.revoke_link": here | {"linkId": other},
        "chat.list_requests": here,
        "chat.answer_request": here | {"userId": other, "accept": True},
        "chat.accept_message_request": here,
        "chat.ignore_message_request": here,
        "chat.send": here | {"type": "text", "content": "let me in"},
        "chat.history": here,
        "chat.edit": {"messageId": text, "content": "mine"},
        "chat.take_back": {"messageId": text},
        "chat.react": {"messageId": text, "emoji": "👍"},
        "chat.unreact": {"messageId": text, "emoji": "👍"},
        "chat.vote": {"messageId": poll, "options": [0]},
        "chat.votes": {"messageId": poll},
        "chat.receipts": {"messageId": text},
        "chat.hide": {"messageId": text},
        "chat.forward": {"messageId": text, "conversationIds": [conversation or other]},
        "chat.edits": {"messageId": text},
        "chat.set_reactions": {"messageId": text, "emojis": ["👍"]},
        "chat.close_poll": {"messageId": poll},
        "chat.star": {"messageId": text},
        "chat.unstar": {"messageId": text},
        "chat.save_draft": here | {"content": "dear all"},
        "chat.drop_draft": here,
        "chat.pin": {"messageId": text},
        "chat.unpin": {"messageId": text},
        "chat.pinned": here,
        "chat.schedule": here | {"type": "text", "content": "later", "sendAt": "2027-01-01T00:00:00.000Z"},
        "chat.list_scheduled": here,
        "chat.change_scheduled": here | {"scheduledId": other, "content": "later"},
        "chat.cancel_scheduled": here | {"scheduledId": other},
        "chat.read": here | {"upToSeq": 1},
        "chat.delivered": here | {"upToSeq": 1},
        "chat.mark_unread": here,
        "chat.typing": here | {"isTyping": True},
        "chat.open_conversation": here,
        "chat.close_conversation": here,
        "chat.thread": {"messageId": text},
        "chat.follow_thread": {"messageId": text},
        "chat.unfollow_thread": {"messageId": text},
        "chat.read_thread": {"messageId": text, "upToSeq": 1},
        "chat.view": {"messageId": text},
    }


ON_SOCKETS = {"chat.typing", "chat.open_conversation", "chat.close_conversation"}
"""Commands that have one door."""


async def refusals(door: Door, who: Person, tries: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The codes with which everything is refused."""
    found = {}
    for name, wanted in tries.items():
        try:
            await (Door("socket") if name in ON_SOCKETS else door)(who, name, wanted)
            found[name] = "let in"
        except Refusal as refusal:
            found[name] = refusal.code
    return found


NAMES = attempts("", "", "", "").keys()


def test_every_command_of_the_slice_is_tried_here() -> None:
    names = {command.name for command in routes.commands}

    assert names == NAMES | PUBLIC


async def test_a_stranger_finds_no_conversation_by_any_command(people: People, door: Door) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    conversation = await group(ada, bob)
    text = await say(ada, conversation, "ours")
    poll = await say(ada, conversation, "", type="poll", poll={"question": "?", "options": ["a", "b"]})
    before = await shown(ada, conversation)

    found = await refusals(door, eve, attempts(conversation, text["id"], poll["id"], bob.id))

    assert found == dict.fromkeys(NAMES, "not_found")
    assert await shown(ada, conversation) == before
    assert len(await missed(ada, conversation)) == 3


async def test_an_ex_member_finds_no_conversation_by_any_command(people: People, door: Door) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    conversation = await group(ada, bob, eve)
    text = await say(eve, conversation, "mine once")
    poll = await say(ada, conversation, "", type="poll", poll={"question": "?", "options": ["a", "b"]})
    await door(eve, "chat.history", {"conversationId": conversation})
    await ada.ask("DELETE", f"/api/conversations/{conversation}/participants/{eve.id}")

    found = await refusals(door, eve, attempts(conversation, text["id"], poll["id"], bob.id))

    assert found == dict.fromkeys(NAMES, "not_found")
    assert len(await missed(ada, conversation)) == 4
    assert (await door(eve, "chat.list_mine", {}))["conversations"] == []
    assert (await door(eve, "chat.search", {"q": "mine"}))["messages"] == []
    for for_everyone in (True, False):
        wanted = {"messageIds": [text["id"]], "forEveryone": for_everyone}
        answer = await door(eve, "chat.delete_many", wanted)
        assert (answer["deleted"], [one["code"] for one in answer["refused"]]) == ([], ["not_found"])
    assert (await door(eve, "chat.message_requests", {}))["conversations"] == []
    answer = await door(eve, "chat.sync", {"conversations": {conversation: 0}})
    assert (answer["conversations"], answer["joined"], answer["left"]) == ([], [], [conversation])


async def test_what_was_said_before_somebody_joined_stays_out_of_reach(people: People, door: Door) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    conversation = await group(ada, bob)
    await ada.ask("PUT", f"/api/conversations/{conversation}/permissions", {"pin": True})
    text = await say(ada, conversation, "ours")
    poll = await say(ada, conversation, "", type="poll", poll={"question": "?", "options": ["a", "b"]})
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [eve.id]})
    eves = await eve.socket()

    tries = attempts(conversation, text["id"], poll["id"], bob.id)
    # To take away a star that is not there does nothing, whatever it was on.
    ofmessages = {name: wanted for name, wanted in tries.items() if "messageId" in wanted and name != "chat.unstar"}
    found = await refusals(door, eve, ofmessages)
    edited = await ada.ask("PUT", f"/api/messages/{text['id']}", {"content": "ours, edited"})
    await ada.ask("DELETE", f"/api/messages/{poll['id']}")

    assert found == dict.fromkeys(ofmessages, "not_found")
    assert edited["content"] == "ours, edited"
    await eves.settle()
    assert (eves.events("message:updated"), eves.events("message:deleted")) == ([], [])
    assert await missed(eve, conversation) == [(5, "member"), (6, "noop"), (7, "noop")]


async def test_nothing_in_a_conversation_reaches_a_stranger_s_socket(people: People) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    eves = await eve.socket()
    conversation = await direct(ada, bob)
    message = await say(ada, conversation)
    await bob.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": "👍"})
    await bob.ask("POST", f"/api/conversations/{conversation}/read", {"upToSeq": 2})
    await (await bob.socket()).ask("message:typing", {"conversationId": conversation, "isTyping": True})
    await ada.ask("DELETE", f"/api/messages/{message['id']}")

    await eves.settle()

    assert {event for event, _ in eves.log} <= {"session:ready", "presence:snapshot"}


async def test_an_id_that_is_none_is_refused_by_its_form(people: People, door: Door) -> None:
    (ada,) = await people("ada")

    for name, wanted in (
        ("chat.get", {"conversationId": "1"}),
        ("chat.history", {"conversationId": ada.id.upper()}),
        ("chat.edit", {"messageId": ada.id, "content": "x"}),
        ("chat.edit", {"messageId": f"{ada.id}:0", "content": "x"}),
        ("chat.edit", {"messageId": f"{ada.id}:9999999999999999", "content": "x"}),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(ada, name, wanted)
        assert refusal.value.code == "bad_request"
