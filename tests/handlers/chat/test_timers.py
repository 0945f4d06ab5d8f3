"""Disappearing messages: the timer of a conversation, and what is left of a message whose time is over."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from handlers.chat.models.records import ConversationRecord
from handlers.chat.service.lives import life_of
from storage.log import Life
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import direct, group, missed, said, say, shown
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server

DAY = 86_400


async def set_timer(who: Person, conversation: str, seconds: int, mode: str = "after_send") -> Any:
    return await who.ask("PUT", f"/api/conversations/{conversation}/timer", {"seconds": seconds, "mode": mode})


async def history(who: Person, conversation: str) -> list[Any]:
    """The messages that somebody finds, without those of the server, the oldest first."""
    page = await who.ask("GET", f"/api/conversations/{conversation}/messages")
    return [message for message in reversed(page["messages"]) if message["type"] != "system"]


async def texts(who: Person, conversation: str) -> list[str]:
    return [message["content"] for message in await history(who, conversation)]


async def stored(server: Server, message: str) -> dict[str, Any]:
    """A message as it lies in the database."""
    conversation, _, seq = message.partition(":")
    key = UUID(conversation).bytes + int(seq).to_bytes(8, "big")
    found = await server.app.mongo.collection("log").find_one({"_id": key})
    assert found is not None
    return found


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_r39_either_side_of_a_direct_conversation_sets_its_timer_and_the_conversation_says_so(
    people: People, door: Door
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    adas = await ada.socket()

    for who, seconds, mode, words in (
        (bob, 7 * DAY, "after_send", "A message disappears 7 days after it was sent."),
        (ada, 3600, "after_read", "A message disappears 1 hour after it was read."),
        (bob, 0, "after_send", "Messages do not disappear any more."),
    ):
        wanted = {"conversationId": conversation, "seconds": seconds, "mode": mode}
        for _ in range(2):
            answer = await door(who, "chat.set_timer", wanted)
            assert answer["timer"] == ({"seconds": seconds, "mode": mode} if seconds else None)
        told = await adas.next("conversation:updated")
        assert (told["change"]["fields"], told["change"]["by"], told["timer"]) == (["timer"], who.id, answer["timer"])
        note = await adas.next("message:new")
        assert (note["type"], note["content"], note["senderId"]) == ("system", words, who.id)
        assert note["system"] == {"action": "timer", "seconds": seconds, "mode": mode}

    assert [seq for seq, _ in await missed(ada, conversation)] == list(range(1, 8))
    assert [(await shown(who, conversation))["unread"] for who in (ada, bob)] == [0, 0]
    with pytest.raises(Refusal) as refusal:
        await bob.ask("DELETE", f"/api/messages/{conversation}:7")
    assert refusal.value.code == "forbidden"


async def test_r39_in_a_group_its_admins_set_the_timer_and_it_runs_from_the_sending(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    here = {"conversationId": conversation}

    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.set_timer", here | {"seconds": DAY})
    assert refusal.value.code == "forbidden"
    with pytest.raises(Refusal) as refusal:
        await door(ada, "chat.set_timer", here | {"seconds": DAY, "mode": "after_read"})
    assert refusal.value.fields == {"mode"}
    for seconds in (29, 28 * DAY + 1, 89 * DAY, 90 * DAY + 1, -1):
        with pytest.raises(Refusal) as refusal:
            await door(ada, "chat.set_timer", here | {"seconds": seconds})
        assert refusal.value.fields == {"seconds"}
    assert (await shown(bob, conversation))["timer"] is None
    for seconds in (30, 28 * DAY, 90 * DAY):
        await door(ada, "chat.set_timer", here | {"seconds": seconds})

    assert (await shown(bob, conversation))["timer"] == {"seconds": 90 * DAY, "mode": "after_send"}
    audit = await ada.ask("GET", f"/api/conversations/{conversation}/audit")
    assert [entry["fields"] for entry in audit["entries"]] == [["timer"]] * 3


async def test_r39_a_timer_is_not_retroactive_and_a_message_keeps_the_end_that_it_was_sent_with(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await say(ada, conversation, "before")
    await set_timer(ada, conversation, 60)
    during = await say(bob, conversation, "during")
    own = await say(ada, conversation, "shorter by its own wish", expiresIn=30)
    await set_timer(bob, conversation, 3600)
    longer = await say(ada, conversation, "longer")
    await set_timer(bob, conversation, 0)
    after = await say(ada, conversation, "after")

    spans = [
        instant(one["expiresAt"]) - instant(one["createdAt"]) if one["expiresAt"] else None
        for one in (during, own, longer, after)
    ]
    assert spans == [timedelta(seconds=60), timedelta(seconds=30), timedelta(hours=1), None]
    ends = [message["expiresAt"] for message in await history(bob, conversation)]
    assert ends == [None, during["expiresAt"], own["expiresAt"], longer["expiresAt"], None]
    clock.advance(seconds=61)
    assert await texts(bob, conversation) == ["before", "longer", "after"]


async def test_r39_a_timer_that_was_set_on_another_server_holds_for_the_next_message(
    people: People, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    socket = await ada.socket()
    await say(ada, conversation, "this server knows the conversation now")

    found = []
    for seconds in (60, 0, DAY):
        await set_timer(bob.at(pair[1]), conversation, seconds)
        wanted = {"conversationId": conversation, "type": "text", "content": "next"}
        answers = [await socket.ask("message:send", wanted) for _ in range(2)]
        found += [one["expiresAt"] and instant(one["expiresAt"]) - instant(one["createdAt"]) for one in answers]

    assert found == [*[timedelta(seconds=60)] * 2, None, None, *[timedelta(days=1)] * 2]


async def test_r39_after_reading_the_readers_time_begins_with_reading_and_the_senders_with_sending(
    people: People, clock: TurnableClock, server: Server
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await set_timer(bob, conversation, 100, "after_read")
    adas, bobs = await ada.socket(), await bob.socket()
    sent = await say(ada, conversation, "for your eyes")
    assert sent["readTimer"] == 100
    assert instant(sent["expiresAt"]) - instant(sent["createdAt"]) == timedelta(seconds=100)
    told = await bobs.next("message:new")
    assert (told["expiresAt"], told["readTimer"]) == (None, 100)

    clock.advance(seconds=101)

    assert await texts(ada, conversation) == []
    assert (await shown(ada, conversation))["lastMessage"]["type"] == "system"
    assert (await ada.ask("GET", "/api/messages/search", params={"q": "eyes"}))["messages"] == []
    for call in (
        ada.ask("PUT", f"/api/messages/{sent['id']}", {"content": "again"}),
        ada.ask("GET", f"/api/messages/{sent['id']}/receipts"),
        ada.ask("POST", f"/api/messages/{sent['id']}/hide", {}),
    ):
        with pytest.raises(Refusal) as refusal:
            await call
        assert refusal.value.code == "not_found"
    with pytest.raises(Refusal) as refusal:
        await say(ada, conversation, "as I said", replyToMessageId=sent["id"])
    assert refusal.value.fields == {"replyToMessageId"}
    assert (await history(bob, conversation))[0]["expiresAt"] is None
    assert (await shown(bob, conversation))["unread"] == 1
    await server.service("chat").timers.sweep()
    hidden = await adas.next("message:hidden")
    assert hidden["messageId"] == sent["id"]

    await bob.ask("POST", f"/api/conversations/{conversation}/read", {"messageId": sent["id"]})
    first = (await history(bob, conversation))[0]["expiresAt"]
    assert timedelta(seconds=60) < instant(first) - clock.now() <= timedelta(seconds=100)
    clock.advance(seconds=50)
    await bob.ask("POST", f"/api/conversations/{conversation}/read", {"messageId": sent["id"]})
    assert (await history(bob, conversation))[0]["expiresAt"] == first
    clock.advance(seconds=51)

    assert await texts(bob, conversation) == []
    await server.service("chat").timers.sweep()
    assert (await bobs.next("message:deleted"))["messageId"] == sent["id"]
    await adas.settle()
    assert adas.events("message:deleted") == []
    assert bobs.events("message:hidden") == []
    assert "content" not in (await stored(server, sent["id"]))["b"]


async def test_r39_saying_something_begins_the_time_of_what_was_said_before_and_nobody_learns_when_it_was_read(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await bob.ask("PUT", "/api/users/me/privacy", {"readReceipts": False})
    conversation = await direct(ada, bob)
    await set_timer(bob, conversation, 3600, "after_read")
    question = await say(ada, conversation, "Well?")
    adas = await ada.socket()
    clock.advance(seconds=60)

    await say(bob, conversation, "Yes.")
    await bob.ask("POST", f"/api/messages/{question['id']}/reactions", {"emoji": "👍"})

    answered = next(one for one in await history(bob, conversation) if one["id"] == question["id"])
    assert instant(answered["expiresAt"]) > instant(question["expiresAt"])
    assert (await adas.next("message:updated"))["expiresAt"] is None
    mine = next(one for one in await history(ada, conversation) if one["id"] == question["id"])
    assert (mine["expiresAt"], mine["readTimer"]) == (question["expiresAt"], 3600)


async def test_r40_what_has_expired_is_in_no_answer_from_that_moment_on(people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await say(ada, conversation, "stays")
    await set_timer(ada, conversation, 60)
    poll = await say(ada, conversation, "", type="poll", poll={"question": "Fleeting", "options": ["a", "b"]})
    text = await say(ada, conversation, "fleeting @bob", mentionedUserIds=[bob.id])
    await ada.ask("PUT", f"/api/messages/{text['id']}", {"content": "fleeting, edited"})
    await bob.ask("POST", f"/api/messages/{text['id']}/pin", {})
    mine = await shown(bob, conversation)
    assert (mine["unread"], mine["mentions"], mine["lastMessage"]["id"]) == (3, 1, text["id"])

    clock.advance(seconds=61)

    one = text["id"]
    for who in (ada, bob):
        assert await texts(who, conversation) == ["stays"]
        assert (await who.ask("GET", "/api/messages/search", params={"q": "fleeting"}))["messages"] == []
        assert (await who.ask("GET", f"/api/conversations/{conversation}/pins"))["messages"] == []
        assert (await shown(who, conversation))["lastMessage"]["type"] == "system"
        kinds = [kind for seq, kind in await missed(who, conversation) if seq <= int(one.partition(":")[2]) + 2]
        assert kinds == ["member", "message", "settings", "message", "noop", "noop", "noop", "noop"]
    mine = await shown(bob, conversation)
    assert (mine["unread"], mine["mentions"]) == (1, 0)
    for who, method, path, body in (
        (ada, "PUT", one, {"content": "again"}),
        (ada, "DELETE", one, None),
        (ada, "GET", f"{one}/edits", None),
        (ada, "GET", f"{one}/receipts", None),
        (bob, "POST", f"{one}/reactions", {"emoji": "👍"}),
        (bob, "POST", f"{one}/hide", {}),
        (bob, "POST", f"{one}/forward", {"conversationIds": [conversation]}),
        (bob, "POST", f"{one}/pin", {}),
        (bob, "GET", f"{poll['id']}/votes", None),
        (bob, "POST", f"{poll['id']}/votes", {"options": [0]}),
        (ada, "POST", f"{poll['id']}/close", {}),
    ):
        with pytest.raises(Refusal) as refusal:
            await who.ask(method, f"/api/messages/{path}", body)
        assert refusal.value.code == "not_found", path
    with pytest.raises(Refusal) as refusal:
        await say(bob, conversation, "as you said", replyToMessageId=one)
    assert refusal.value.fields == {"replyToMessageId"}


async def test_r40_the_sweeper_leaves_nothing_but_the_place_and_tells_who_could_see_it(
    people: People, clock: TurnableClock, pair: Pair
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    await set_timer(ada, conversation, 60)
    one = await say(ada, conversation, "secret words")
    await ada.ask("PUT", f"/api/messages/{one['id']}", {"content": "other secret words"})
    await ada.ask("POST", f"/api/messages/{one['id']}/pin", {})
    picture = {"type": "image", "url": "https://example.com/secret.png"}
    two = await say(bob, conversation, "", type="image", media=picture)
    gone = await say(ada, conversation, "taken back before")
    await ada.ask("DELETE", f"/api/messages/{gone['id']}")
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cyd.id]})
    head = (await shown(ada, conversation))["head"]
    sockets = [await who.socket() for who in (ada, bob, cyd)]
    elsewhere = await bob.at(pair[1]).socket()

    clock.advance(seconds=61)
    for server in pair:
        await server.service("chat").timers.sweep()

    told = [await sockets[0].next("message:deleted") for _ in range(2)]
    assert sorted(one["seq"] for one in told) == [head + 1, head + 2]
    for message in (one, two):
        (news,) = [news for news in told if news["messageId"] == message["id"]]
        assert (news["reason"], news["deletedBy"], news["targetSeq"]) == ("expired", "expired", message["seq"])
        assert news["deletedAt"] == message["expiresAt"]
    for socket in (sockets[1], elsewhere):
        assert [await socket.next("message:deleted") for _ in range(2)] == told
    await sockets[2].settle()
    assert sockets[2].events("message:deleted") == []

    log = pair[0].app.mongo.collection("log")
    first = UUID(conversation).bytes
    rows = await log.find({"_id": {"$gte": first + bytes(8), "$lte": first + b"\xff" * 8}}, limit=50, sort=[("_id", 1)])
    assert [row["s"] for row in rows] == list(range(1, head + 3))
    assert "secret" not in repr(rows)
    assert [row["b"].keys() for row in rows if row["s"] in {one["seq"], two["seq"]}] == [{"deletedAt", "deletedBy"}] * 2
    assert await pair[0].app.mongo.collection("pins").count({"conversationId": conversation}) == 0
    assert (await missed(bob, conversation, head)) == [(head + 1, "delete"), (head + 2, "delete")]
    assert (await missed(cyd, conversation, head)) == [(head + 1, "noop"), (head + 2, "noop")]
    assert await said(bob, conversation) == ["A message disappears 1 minute after it was sent."]
    for server in pair:
        await server.service("chat").timers.sweep()
    assert (await shown(ada, conversation))["head"] == head + 2


async def test_r40_messages_that_disappear_are_not_forwarded_and_keep_what_was_sent_before_the_timer(
    people: People, door: Door
) -> None:
    ada, bob = await people("ada", "bob")
    conversation, other = await direct(ada, bob), await group(bob)
    before = await say(ada, conversation, "before")
    for mode in ("after_send", "after_read"):
        await set_timer(ada, conversation, DAY, mode)
        fleeting = await say(ada, conversation, "fleeting")
        with pytest.raises(Refusal) as refusal:
            await door(bob, "chat.forward", {"messageId": fleeting["id"], "conversationIds": [other]})
        assert refusal.value.code == "forbidden"

    passed = await door(bob, "chat.forward", {"messageId": before["id"], "conversationIds": [other]})

    assert [message["content"] for message in passed["messages"]] == ["before"]


AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "wish", "everybody", "sender"),
    [
        ({}, None, None, None),
        ({"timer": 60}, None, 60, None),
        ({"timer": 60}, 30, 30, None),
        ({"timer": 60}, 90, 60, None),
        ({"timer": 2 * DAY, "message_retention": 1}, None, DAY, None),
        ({"timer": 60, "timer_mode": "after_read"}, None, None, 60),
        ({"timer": 60, "timer_mode": "after_read"}, 30, 30, 30),
        ({"timer": 60, "timer_mode": "after_read", "message_retention": 1}, None, DAY, 60),
        ({"timer_mode": "after_read"}, None, None, None),
    ],
)
def test_r39_a_message_lives_as_long_as_timer_retention_and_its_own_wish_all_allow(
    rules: dict[str, Any], wish: int | None, everybody: int | None, sender: int | None
) -> None:
    record = ConversationRecord("id", 1, "direct", "ada", AT, AT, 1, **rules)

    ends = [None if one is None else AT + timedelta(seconds=one) for one in (everybody, sender)]
    assert life_of(record, wish, AT) == Life(*ends)
