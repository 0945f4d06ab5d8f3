"""Changing what was said: edits, deletions, reactions and votes, each an entry of its own."""

import asyncio

import pytest

from tests.handlers.chat.conftest import People, sign_in
from tests.handlers.chat.helpers import direct, fresh_id, group, missed, said, say
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal


async def test_an_edit_changes_the_message_for_everybody_and_keeps_its_place(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "Helo")
    bobs = await bob.socket()

    edited = await door(ada, "chat.edit", {"messageId": message["id"], "content": "Hello"})

    assert (edited["content"], edited["seq"], edited["revision"]) == ("Hello", 2, 3)
    assert edited["editedAt"] == edited["updatedAt"] >= message["createdAt"]
    unchanged = {"createdAt", "clientMessageId", "senderId", "id", "type"}
    assert {name: edited[name] for name in unchanged} == {name: message[name] for name in unchanged}
    assert await bobs.next("message:updated") == edited
    page = await bob.ask("GET", f"/api/conversations/{conversation}/messages")
    assert page["messages"] == [edited]
    assert await missed(bob, conversation) == [(1, "member"), (2, "message"), (3, "edit")]


async def test_an_edit_to_the_same_text_leaves_no_entry(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "Hello")

    edited = await door(ada, "chat.edit", {"messageId": message["id"], "content": "Hello"})

    assert edited == message
    assert await missed(bob, conversation) == [(1, "member"), (2, "message")]


async def test_only_its_sender_edits_a_message_and_the_text_must_fit(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    text = await say(bob, conversation, "mine")
    poll = await say(bob, conversation, "", type="poll", poll={"question": "?", "options": ["a", "b"]})

    for who, message, content, code in (
        (ada, text, "yours", "forbidden"),
        (bob, text, " ", "bad_request"),
        (bob, text, "x" * 4097, "bad_request"),
        (bob, poll, "caption", "forbidden"),
        (bob, {"id": f"{conversation}:99"}, "x", "not_found"),
        (bob, {"id": f"{conversation}:1"}, "x", "not_found"),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(who, "chat.edit", {"messageId": message["id"], "content": content})
        assert refusal.value.code == code
    assert await missed(ada, conversation) == [(1, "member"), (2, "message"), (3, "message")]


async def test_a_message_can_be_edited_twenty_times(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "0")
    for number in range(1, 21):
        await ada.ask("PUT", f"/api/messages/{message['id']}", {"content": str(number)})

    with pytest.raises(Refusal) as refusal:
        await ada.ask("PUT", f"/api/messages/{message['id']}", {"content": "21"})

    assert refusal.value.code == "chat.edit_limit"
    assert await said(bob, conversation) == ["20"]


async def test_after_48_hours_only_an_admin_can_still_take_a_message_back(people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    message = await say(bob, conversation, "set in stone")
    clock.advance(hours=48, seconds=1)
    await sign_in(ada)
    await sign_in(bob)

    for method, body in (("PUT", {"content": "x"}), ("DELETE", None)):
        with pytest.raises(Refusal) as refusal:
            await bob.ask(method, f"/api/messages/{message['id']}", body)
        assert (refusal.value.code, refusal.value.status) == ("expired_window", 403)
    removed = await ada.ask("DELETE", f"/api/messages/{message['id']}")

    assert (removed["deletedBy"], removed["seq"]) == ("admin", 3)


async def test_a_deleted_message_leaves_an_empty_place_behind(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    media = {"type": "image", "url": "https://cdn.example.com/a.png"}
    message = await say(ada, conversation, "secret", type="image", media=media, mentionedUserIds=[bob.id])
    await bob.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": "👍"})
    await ada.ask("PUT", f"/api/messages/{message['id']}", {"content": "secret too"})
    bobs = await bob.socket()

    removed = await door(ada, "chat.take_back", {"messageId": message["id"]})

    assert {name: removed[name] for name in ("messageId", "conversationId", "seq", "targetSeq", "deletedBy")} == {
        "messageId": message["id"],
        "conversationId": conversation,
        "seq": 5,
        "targetSeq": 2,
        "deletedBy": "sender",
    }
    assert await bobs.next("message:deleted") == removed
    (left,) = (await bob.ask("GET", f"/api/conversations/{conversation}/messages"))["messages"]
    assert (left["isDeleted"], left["deletedAt"], left["deletedBy"]) == (True, removed["deletedAt"], "sender")
    assert (left["content"], left["media"], left["reactions"], left["mentionedUserIds"]) == ("", None, [], [])
    assert (left["seq"], left["revision"], left["type"]) == (2, 5, "image")


async def test_nothing_of_a_deleted_message_stays_in_the_database(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "xyzzy plugh")
    await ada.ask("PUT", f"/api/messages/{message['id']}", {"content": "xyzzy frotz"})
    await bob.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": "👍"})

    await ada.ask("DELETE", f"/api/messages/{message['id']}")

    log = ada.server.app.mongo.collection("log")
    entries = [
        entry
        async for entry in log.each({"b": {"$exists": True}})
        if entry["_id"].hex().startswith(conversation.replace("-", ""))
    ]
    assert [entry["k"] for entry in entries] == ["member", "message", "edit", "reaction", "delete"]
    assert not any("xyzzy" in str(entry) for entry in entries)


async def test_deleting_again_is_the_same_as_once(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation)
    removed = await door(ada, "chat.take_back", {"messageId": message["id"]})

    again = await door(ada, "chat.take_back", {"messageId": message["id"]})

    assert again == removed
    assert await missed(bob, conversation) == [(1, "member"), (2, "message"), (3, "delete")]


async def test_nothing_can_be_done_to_a_deleted_message(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation)
    await ada.ask("DELETE", f"/api/messages/{message['id']}")

    for who, name, wanted in (
        (ada, "chat.edit", {"content": "back"}),
        (bob, "chat.react", {"emoji": "👍"}),
        (bob, "chat.vote", {"options": [0]}),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(who, name, {"messageId": message["id"], **wanted})
        assert refusal.value.code == "gone"


async def test_in_a_direct_conversation_nobody_deletes_what_the_other_said(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "stays")

    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.take_back", {"messageId": message["id"]})

    assert refusal.value.code == "forbidden"
    assert await said(bob, conversation) == ["stays"]


async def test_a_reaction_is_put_there_once_and_taken_away_once(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation)
    adas = await ada.socket()

    for _ in range(2):
        reacted = await door(bob, "chat.react", {"messageId": message["id"], "emoji": "❤️"})
        assert reacted["reactions"] == [{"emoji": "❤️", "userIds": [bob.id], "count": 1}]
    both = await door(ada, "chat.react", {"messageId": message["id"], "emoji": "❤️"})
    for _ in range(2):
        after = await door(bob, "chat.unreact", {"messageId": message["id"], "emoji": "❤️"})

    assert both["reactions"] == [{"emoji": "❤️", "userIds": [bob.id, ada.id], "count": 2}]
    assert after["reactions"] == [{"emoji": "❤️", "userIds": [ada.id], "count": 1}]
    heard = [await adas.next("message:updated") for _ in range(3)]
    assert [one["revision"] for one in heard] == [3, 4, 5]
    assert heard[2]["reactions"] == after["reactions"]
    kinds = [kind for _, kind in await missed(bob, conversation)]
    assert kinds == ["member", "message", "reaction", "reaction", "reaction"]


async def test_reactions_have_limits_and_must_be_emoji(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation)
    for emoji in ("👍", "🇩🇪", "👩🏽‍🚀"):
        await door(bob, "chat.react", {"messageId": message["id"], "emoji": emoji})

    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.react", {"messageId": message["id"], "emoji": "🎉"})
    assert refusal.value.code == "chat.reaction_limit"
    for wrong in ("x", "👍👍", "", "ok 👍", "1"):
        with pytest.raises(Refusal) as refusal:
            await door(ada, "chat.react", {"messageId": message["id"], "emoji": wrong})
        assert refusal.value.fields == {"emoji"}


async def test_a_message_takes_twenty_different_reactions(people: People) -> None:
    people_of_the_group = await people("ada", *(f"one{number}" for number in range(7)))
    ada, *others = people_of_the_group
    conversation = await group(ada, *others)
    message = await say(ada, conversation)
    emojis = [chr(0x1F600 + number) for number in range(21)]
    for number, emoji in enumerate(emojis[:20]):
        await others[number // 3].ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": emoji})

    with pytest.raises(Refusal) as refusal:
        await ada.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": emojis[20]})
    known = await ada.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": emojis[0]})

    assert refusal.value.code == "chat.reaction_limit"
    assert len(known["reactions"]) == 20


async def test_everybody_reacting_at_once_is_counted_exactly(people: People) -> None:
    everybody = await people(*(f"one{number}" for number in range(12)))
    conversation = await group(*everybody)
    message = await say(everybody[0], conversation)

    await asyncio.gather(
        *(one.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": "👍"}) for one in everybody)
    )

    (left,) = (await everybody[3].ask("GET", f"/api/conversations/{conversation}/messages"))["messages"]
    (reaction,) = left["reactions"]
    assert (reaction["count"], set(reaction["userIds"])) == (12, {one.id for one in everybody})
    assert left["revision"] == 14


async def test_votes_replace_each_other_and_are_counted_exactly(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    question = {"question": "Tea?", "options": ["Yes", "No", "Later"]}
    message = await say(ada, conversation, "", type="poll", poll=question)
    cyds = await cyd.socket()

    await door(bob, "chat.vote", {"messageId": message["id"], "options": [0]})
    await door(cyd, "chat.vote", {"messageId": message["id"], "options": [0]})
    voted = await door(bob, "chat.vote", {"messageId": message["id"], "options": [2]})
    again = await door(bob, "chat.vote", {"messageId": message["id"], "options": [2]})

    assert [(one["count"], one["userIds"]) for one in voted["poll"]["options"]] == [
        (1, [cyd.id]),
        (0, []),
        (1, [bob.id]),
    ]
    assert voted["poll"]["voters"] == 2
    assert again == voted
    heard = [await cyds.next("message:updated") for _ in range(3)]
    assert heard[2] == voted
    found = await door(bob, "chat.votes", {"messageId": message["id"]})
    assert (found["mine"], found["poll"]) == ([2], voted["poll"])
    taken = await door(bob, "chat.vote", {"messageId": message["id"], "options": []})
    assert taken["poll"]["voters"] == 1


async def test_a_poll_says_how_many_answers_it_takes(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    one = await say(ada, conversation, "", type="poll", poll={"question": "?", "options": ["a", "b"]})
    many = await say(
        ada, conversation, "", type="poll", poll={"question": "?", "options": ["a", "b"], "multiple": True}
    )
    text = await say(ada, conversation)

    for message, options, code in (
        (one, [0, 1], "bad_request"),
        (one, [2], "bad_request"),
        (text, [0], "chat.not_a_poll"),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(bob, "chat.vote", {"messageId": message["id"], "options": options})
        assert refusal.value.code == code
    voted = await door(bob, "chat.vote", {"messageId": many["id"], "options": [1, 0, 1]})
    assert [option["count"] for option in voted["poll"]["options"]] == [1, 1]


async def test_an_anonymous_poll_tells_nobody_who_chose_what(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    question = {"question": "?", "options": ["a", "b"], "anonymous": True}
    message = await say(ada, conversation, "", type="poll", poll=question)
    adas = await ada.socket()

    await bob.ask("POST", f"/api/messages/{message['id']}/votes", {"options": [1]})

    heard = await adas.next("message:updated")
    assert [(one["count"], one["userIds"]) for one in heard["poll"]["options"]] == [(0, []), (1, [])]
    assert (await bob.ask("GET", f"/api/messages/{message['id']}/votes"))["mine"] == [1]
    assert (await ada.ask("GET", f"/api/messages/{message['id']}/votes"))["mine"] == []


async def test_an_operation_that_is_sent_again_is_done_once(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "0")
    same = fresh_id()
    first = await door(ada, "chat.edit", {"messageId": message["id"], "content": "1", "operationId": same})
    await door(ada, "chat.edit", {"messageId": message["id"], "content": "2"})

    again = await door(ada, "chat.edit", {"messageId": message["id"], "content": "1", "operationId": same})

    assert (first["content"], first["revision"]) == ("1", 3)
    assert (again["content"], again["revision"]) == ("2", 4)
    assert await said(bob, conversation) == ["2"]
    with pytest.raises(Refusal) as refusal:
        await door(ada, "chat.take_back", {"messageId": message["id"], "operationId": same})
    assert refusal.value.code == "conflict"


async def test_the_ids_of_messages_and_of_operations_do_not_meet(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    same = fresh_id()
    message = await door(
        ada, "chat.send", {"conversationId": conversation, "type": "text", "content": "a", "clientMessageId": same}
    )

    edited = await door(ada, "chat.edit", {"messageId": message["id"], "content": "b", "operationId": same})

    assert (edited["content"], edited["revision"]) == ("b", 3)
