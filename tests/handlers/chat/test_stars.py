"""Starred messages and drafts: what people keep for themselves."""

from typing import Any

import pytest

from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import direct, group, say
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server


async def starred(who: Person, **params: str) -> list[str]:
    """The texts of what somebody has starred."""
    page = await who.ask("GET", "/api/messages/starred", params=params)
    return [one["message"]["content"] for one in page["stars"]]


async def stars_of(server: Server, who: Person) -> int:
    """How many stars of somebody are stored."""
    return await server.app.mongo.collection("stars").count({"userId": who.id})


async def test_a_message_is_starred_for_oneself_and_the_own_devices_hear_of_it(
    people: People, door: Door, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    one, other = await direct(ada, bob), await group(ada, bob)
    first, second = await say(ada, one, "first"), await say(ada, other, "second")
    phone, adas = await bob.at(pair[1]).socket("phone"), await ada.socket()

    for message in (first, second):
        answer = await door(bob, "chat.star", {"messageId": message["id"]})
        assert await phone.next("message:starred") == answer
        assert (answer["messageId"], answer["conversationId"]) == (message["id"], message["conversationId"])
    again = await door(bob, "chat.star", {"messageId": second["id"]})
    assert again == answer

    page = await door(bob, "chat.list_starred", {})
    assert (page["stars"][0]["message"]["id"], page["stars"][0]["starredAt"]) == (second["id"], again["starredAt"])
    assert [one["message"]["content"] for one in page["stars"]] == ["second", "first"]
    assert page["nextCursor"] is None
    assert (await starred(bob, conversationId=one), await starred(ada)) == (["first"], [])
    gone = await door(bob, "chat.unstar", {"messageId": second["id"]})
    assert gone == again | {"starredAt": None}
    assert await starred(bob) == ["first"]
    await adas.settle()
    assert adas.events("message:starred") == []


async def test_stars_are_listed_page_by_page(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    for number in range(5):
        message = await say(ada, conversation, str(number))
        await bob.ask("POST", f"/api/messages/{message['id']}/star", {})

    found: list[str] = []
    wanted: dict[str, Any] = {"limit": 2}
    for _ in range(3):
        page = await door(bob, "chat.list_starred", wanted)
        found += [one["message"]["content"] for one in page["stars"]]
        wanted["cursor"] = page["nextCursor"]

    assert (found, page["nextCursor"]) == (["4", "3", "2", "1", "0"], None)
    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.list_starred", {"cursor": "nonsense"})
    assert refusal.value.fields == {"cursor"}


async def test_a_star_goes_with_its_message_and_with_the_access_to_it(
    people: People, clock: TurnableClock, server: Server
) -> None:
    ada, bob = await people("ada", "bob")
    conversation, crew = await direct(ada, bob), await group(ada, bob)
    texts = ["deleted for all", "deleted for oneself", "disappears", "stays"]
    messages = [await say(ada, conversation, text, **({"expiresIn": 60} if "dis" in text else {})) for text in texts]
    messages.append(await say(ada, crew, "in the group"))
    for message in messages:
        for who in (ada, bob):
            await who.ask("POST", f"/api/messages/{message['id']}/star", {})

    await ada.ask("DELETE", f"/api/messages/{messages[0]['id']}")
    await bob.ask("POST", f"/api/messages/{messages[1]['id']}/hide", {})
    await ada.ask("DELETE", f"/api/conversations/{crew}/participants/{bob.id}")
    assert (await stars_of(server, ada), await stars_of(server, bob)) == (4, 2)
    clock.advance(seconds=61)

    assert await starred(bob) == ["stays"]
    assert await starred(ada) == ["in the group", "stays", "deleted for oneself"]
    await server.service("chat").timers.sweep()
    assert (await stars_of(server, ada), await stars_of(server, bob)) == (3, 1)
    with pytest.raises(Refusal) as refusal:
        await bob.ask("POST", f"/api/messages/{messages[0]['id']}/star", {})
    assert refusal.value.code == "gone"
    await ada.ask("POST", f"/api/conversations/{crew}/participants", {"userIds": [bob.id]})
    assert await starred(bob) == ["stays"]


async def test_nobody_stars_or_drafts_without_end(
    people: People, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    conversation, other = await direct(ada, bob), await group(ada, bob)
    chat = server.service("chat")
    monkeypatch.setattr(chat.stars, "_most", 1)
    monkeypatch.setattr(chat.drafts, "_most", 1)
    one, two = await say(ada, conversation), await say(ada, conversation)

    for message in (one, one):
        await bob.ask("POST", f"/api/messages/{message['id']}/star", {})
    with pytest.raises(Refusal) as refusal:
        await bob.ask("POST", f"/api/messages/{two['id']}/star", {})
    assert refusal.value.code == "chat.star_limit"
    for content in ("one", "the same one"):
        await bob.ask("PUT", f"/api/conversations/{conversation}/draft", {"content": content})
    with pytest.raises(Refusal) as refusal:
        await bob.ask("PUT", f"/api/conversations/{other}/draft", {"content": "two"})
    assert refusal.value.code == "chat.draft_limit"

    assert await stars_of(server, bob) == 1
    drafts = (await bob.ask("GET", "/api/drafts"))["drafts"]
    assert [draft["content"] for draft in drafts] == ["the same one"]


async def test_a_draft_follows_its_author_to_his_other_devices(people: People, door: Door, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    one, other = await direct(ada, bob), await group(ada, bob)
    message = await say(ada, one, "Well?")
    phone, adas = await bob.at(pair[1]).socket("phone"), await ada.socket()

    draft = await door(
        bob, "chat.save_draft", {"conversationId": one, "content": "I thi", "replyToMessageId": message["id"]}
    )
    later = await door(bob, "chat.save_draft", {"conversationId": other, "content": "All of"})

    assert (draft["content"], draft["replyToMessageId"], later["replyToMessageId"]) == ("I thi", message["id"], None)
    for saved in (draft, later):
        news = await phone.next("draft:changed")
        assert (news["conversationId"], news["draft"]) == (saved["conversationId"], saved)
        assert news["deviceId"]
    assert (await door(bob, "chat.list_drafts", {})) == {"drafts": [later, draft], "nextCursor": None}
    first = await door(bob, "chat.list_drafts", {"limit": 1})
    assert (await door(bob, "chat.list_drafts", {"limit": 1, "cursor": first["nextCursor"]}))["drafts"] == [draft]
    for _ in range(2):
        await door(bob, "chat.drop_draft", {"conversationId": other})
    news = await phone.next("draft:changed")
    assert (news["conversationId"], news["draft"]) == (other, None)
    await phone.settle()
    assert len(phone.events("draft:changed")) == 3
    assert (await door(ada, "chat.list_drafts", {}))["drafts"] == []
    await adas.settle()
    assert adas.events("draft:changed") == []


async def test_a_draft_is_bounded_belongs_to_its_conversation_and_is_lost_with_it(
    people: People, server: Server
) -> None:
    ada, bob = await people("ada", "bob")
    conversation, crew = await direct(ada, bob), await group(ada, bob)
    for wrong, code in (
        ({"content": ""}, "bad_request"),
        ({"content": "x" * 4097}, "bad_request"),
        ({"content": "x", "replyToMessageId": f"{crew}:1"}, "not_found"),
        ({"content": "x", "color": "red"}, "bad_request"),
    ):
        with pytest.raises(Refusal) as refusal:
            await bob.ask("PUT", f"/api/conversations/{conversation}/draft", wrong)
        assert refusal.value.code == code
    await server.app.mongo.collection("conversations").update_one(
        {"_id": conversation}, {"$set": {"isEncrypted": True}}
    )
    with pytest.raises(Refusal) as refusal:
        await bob.ask("PUT", f"/api/conversations/{conversation}/draft", {"content": "secret"})
    assert refusal.value.code == "forbidden"

    await bob.ask("PUT", f"/api/conversations/{crew}/draft", {"content": "farewell"})
    await bob.ask("DELETE", f"/api/conversations/{crew}")

    assert (await bob.ask("GET", "/api/drafts"))["drafts"] == []
    assert await server.app.mongo.collection("chat_drafts").count({"userId": bob.id}) == 0


async def test_whoever_is_erased_leaves_no_star_and_no_draft(people: People, server: Server) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation)
    for who in (ada, bob):
        await who.ask("POST", f"/api/messages/{message['id']}/star", {})
        await who.ask("PUT", f"/api/conversations/{conversation}/draft", {"content": "mine"})

    await server.service("chat").shelf.forget_own(bob.id)

    for collection in ("stars", "chat_drafts"):
        rows = await server.app.mongo.collection(collection).find({"conversationId": conversation}, limit=10)
        assert [row["userId"] for row in rows] == [ada.id]
