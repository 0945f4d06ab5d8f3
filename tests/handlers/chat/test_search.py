"""Search: messages by their words, only where the one who asks is a member and only what is visible there."""

from typing import Any

import pytest

from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import block, direct, group, say
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


async def seek(who: Person, door: Door, **wanted: Any) -> list[str]:
    """The texts that somebody finds."""
    return [one["content"] for one in (await door(who, "chat.search", wanted))["messages"]]


PICTURE = {"type": "image", "media": {"type": "image", "url": "https://example.com/a.jpg"}}
SPEECH = {"type": "audio", "media": {"type": "audio", "url": "https://example.com/a.ogg"}}
PLACE = {"type": "location", "location": {"latitude": 52.5, "longitude": 13.4}}
POLL = {"type": "poll", "poll": {"question": "Lunch?", "options": ["Soup", "See soup.example/today"]}}


async def test_r47_messages_are_found_by_sender_place_kind_and_what_they_have(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    here, there = await direct(ada, bob), await group(ada, bob, cyd)
    for who, where, text, more in (
        (ada, here, "the plan", {}),
        (bob, here, "a plan www.plan.example", {}),
        (bob, there, "plan picture", PICTURE),
        (cyd, there, "plan speech", SPEECH),
        (ada, there, "plan place", PLACE),
        (ada, there, "plan poll", POLL),
        (ada, there, "plan for Cyd", {"mentionedUserIds": [cyd.id]}),
    ):
        await say(who, where, text, **more)

    a = {"from": [ada.id]}
    assert await seek(bob, door, q="plan", **a) == ["plan for Cyd", "plan poll", "plan place", "the plan"]
    assert await seek(bob, door, **{"from": [bob.id, cyd.id]}) == [
        "plan speech",
        "plan picture",
        "a plan www.plan.example",
    ]
    assert await seek(bob, door, q="plan", **a, **{"in": [here]}) == ["the plan"]
    assert await seek(bob, door, **{"in": [here, there]}, has=["link"]) == ["plan poll", "a plan www.plan.example"]
    assert await seek(bob, door, has=["media"]) == ["plan speech", "plan picture"]
    assert await seek(bob, door, has=["mention"]) == ["plan for Cyd"]
    assert await seek(bob, door, type=["poll", "location"]) == ["plan poll", "plan place"]
    assert await seek(bob, door, type=["text"], **a) == ["plan for Cyd", "the plan"]
    assert await seek(bob, door, type=["image", "text"], has=["media"]) == ["plan picture"]
    assert await seek(bob, door, type=["text"], has=["poll"]) == []
    assert await seek(bob, door, q="plan", has=["link", "poll"]) == ["plan poll"]


async def test_r47_messages_are_found_by_when_they_were_said(people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    times = []
    for text in ("word one", "word two", "word three"):
        times.append((await say(ada, conversation, text))["createdAt"])
        clock.advance(seconds=1)

    assert await found(bob, "word", after=times[1]) == ["word three", "word two"]
    assert await found(bob, "word", before=times[1]) == ["word one"]
    assert await found(bob, "word", after=times[1], before=times[2]) == ["word two"]


async def test_r47_filters_alone_show_nothing_that_is_not_for_the_one_who_asks(
    people: People, clock: TurnableClock
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation, pair = await group(ada, bob), await direct(ada, bob)
    await say(ada, conversation, "before Cyd", **PICTURE)
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cyd.id]})
    deleted = await say(ada, conversation, "deleted", **PICTURE)
    mine = await say(ada, conversation, "deleted by Cyd for himself", **PICTURE)
    await say(ada, conversation, "expired", expiresIn=60, **PICTURE)
    await say(ada, conversation, "after Cyd", **PICTURE)
    await block(bob, ada)
    await say(ada, pair, "hidden from Bob", **PICTURE)
    await ada.ask("DELETE", f"/api/messages/{deleted['id']}")
    await cyd.ask("POST", f"/api/messages/{mine['id']}/hide", {})
    clock.advance(seconds=61)

    async def pictures(who: Person, **more: str) -> list[str]:
        answers = [
            await who.ask("GET", "/api/messages/search", params=params | more)
            for params in ({"from": ada.id}, {"type": "image"}, {"has": "image"})
        ]
        texts = [[one["content"] for one in answer["messages"]] for answer in answers]
        assert texts[0] == texts[1] == texts[2]
        return texts[0]

    assert await pictures(cyd) == ["after Cyd"]
    assert await pictures(bob) == ["after Cyd", "deleted by Cyd for himself", "before Cyd"]
    assert (await pictures(ada))[0] == "hidden from Bob"
    with pytest.raises(Refusal) as refusal:
        await pictures(cyd, **{"in": f"{conversation},{pair}"})
    assert refusal.value.code == "not_found"
    await ada.ask("DELETE", f"/api/conversations/{conversation}/participants/{cyd.id}")
    assert await pictures(cyd) == []


async def test_r47_pages_of_a_search_by_filters_do_not_move_when_something_is_said_meanwhile(people: People) -> None:
    ada, bob = await people("ada", "bob")
    one, other = await direct(ada, bob), await group(ada, bob)
    for number in range(5):
        await say(ada, (one, other)[number % 2], f"picture {number}", **PICTURE)

    wanted = {"from": ada.id, "type": "image", "limit": "2"}
    first = await bob.ask("GET", "/api/messages/search", params=wanted)
    await say(ada, one, "a later picture", **PICTURE)
    second = await bob.ask("GET", "/api/messages/search", params=wanted | {"cursor": first["nextCursor"]})
    third = await bob.ask("GET", "/api/messages/search", params=wanted | {"cursor": second["nextCursor"]})

    pages = [[message["content"] for message in page["messages"]] for page in (first, second, third)]
    assert pages == [["picture 4", "picture 3"], ["picture 2", "picture 1"], ["picture 0"]]
    assert third["nextCursor"] is None


async def test_what_was_found_is_marked_in_the_text_as_clients_count_it(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    text = "😀 Cafe\u0301 or CAFÉ, not cafés"
    message = await say(ada, conversation, text)

    answer = await bob.ask("GET", "/api/messages/search", params={"q": "café"})

    assert answer["highlights"] == {message["id"]: [{"offset": 3, "length": 5}, {"offset": 12, "length": 4}]}
    assert text.encode("utf-16-le")[2 * 12 : 2 * 16].decode("utf-16-le") == "CAFÉ"


async def test_r47_an_edit_changes_what_a_message_is_found_by(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "look at https://example.com", mentionedUserIds=[bob.id])
    assert await seek(bob, door, has=["link", "mention"]) == ["look at https://example.com"]

    await ada.ask("PUT", f"/api/messages/{message['id']}", {"content": "look"})
    assert (await seek(bob, door, has=["link"]), await seek(bob, door, has=["mention"])) == ([], ["look"])
    await ada.ask("PUT", f"/api/messages/{message['id']}", {"content": "look", "mentionedUserIds": []})
    assert await seek(bob, door, has=["mention"]) == []


@pytest.mark.parametrize(
    "wide", [{}, {"type": ["text"]}, {"type": ["text", "image"]}, {"before": "2026-01-01T00:00:00.000Z"}]
)
async def test_r47_a_search_for_nearly_everything_is_refused(people: People, door: Door, wide: dict[str, Any]) -> None:
    ada, bob = await people("ada", "bob")
    await direct(ada, bob)

    with pytest.raises(Refusal) as refusal:
        await door(ada, "chat.search", wide)
    assert refusal.value.fields == {"q"}


async def test_a_search_without_words_is_refused(people: People, door: Door) -> None:
    (ada,) = await people("ada")

    for wrong, field in (({"q": "  "}, "q"), ({"q": "!?"}, "q"), ({"q": "x", "limit": 26}, "limit"), ({}, "q")):
        with pytest.raises(Refusal) as refusal:
            await door(ada, "chat.search", wrong)
        assert refusal.value.fields == {field}
    with pytest.raises(Refusal) as refusal:
        await door(ada, "chat.search", {"q": "x", "cursor": "nonsense"})
    assert refusal.value.fields == {"cursor"}
