"""`sync`: exactly the log after a place, or a plain word that there is more."""

import random
from typing import Any

import pytest

from handlers.chat.models.reading import Sync
from handlers.chat.service import Chat
from server.actors import Actor
from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import direct, emit, group, missed, say
from tests.harness.people import Door, Person, Refusal


async def talk(socket: Any, conversation: str, count: int) -> None:
    """Somebody says `count` things."""
    for number in range(count):
        await emit(socket, conversation, str(number))


async def test_sync_has_what_came_after_a_place_and_nothing_else(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation, quiet = await direct(ada, bob), await group(ada, bob)
    first = await say(ada, conversation, "one")
    second = await say(bob, conversation, "two")
    edited = await ada.ask("PUT", f"/api/messages/{first['id']}", {"content": "uno"})

    answer = await door(bob, "chat.sync", {"conversations": {conversation: 2, quiet: 1}})

    assert (answer["joined"], answer["left"], answer["limited"], answer["cursor"]) == ([], [], False, None)
    (page,) = answer["conversations"]
    assert (page["conversationId"], page["from"], page["to"], page["more"]) == (conversation, 3, 4, False)
    said, changed = page["entries"]
    assert (said["seq"], said["kind"], said["senderId"], said["message"]["id"]) == (3, "message", bob.id, second["id"])
    assert (changed["seq"], changed["kind"], changed["target"], changed["message"]) == (4, "edit", first["id"], edited)


async def test_sync_names_conversations_that_are_new_and_those_that_are_over(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    known, new, over = await direct(ada, bob), await group(ada, bob), await group(ada, bob)
    strange = await direct(ada, cyd)
    await ada.ask("DELETE", f"/api/conversations/{over}/participants/{bob.id}")

    answer = await door(bob, "chat.sync", {"conversations": {known: 1, over: 1, strange: 0}})

    assert [one["id"] for one in answer["joined"]] == [new]
    assert answer["left"] == sorted([over, strange])
    assert answer["conversations"] == []
    only = await door(bob, "chat.sync", {"conversations": {known: 0}, "only": True})
    assert (only["joined"], only["left"]) == ([], [])
    assert [entry["seq"] for entry in only["conversations"][0]["entries"]] == [1]


async def test_a_long_gap_comes_in_pieces_of_two_hundred(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await talk(await ada.socket(), conversation, 230)

    position, pieces = 0, []
    for _ in range(3):
        answer = await bob.ask("GET", "/api/sync", params={"conversations": f'{{"{conversation}":{position}}}'})
        (page,) = answer["conversations"]
        seqs = [entry["seq"] for entry in page["entries"]]
        assert seqs == list(range(page["from"], page["to"] + 1))
        pieces.append((page["from"], page["to"], page["more"]))
        position = page["to"]
        if not page["more"]:
            break

    assert pieces == [(1, 200, True), (201, 231, False)]


async def test_an_answer_that_is_full_says_so_and_goes_on_with_its_cursor(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversations = sorted([await direct(ada, bob), *[await group(ada, bob) for _ in range(4)]])
    socket = await ada.socket()
    for conversation in conversations:
        await talk(socket, conversation, 4)

    positions = dict.fromkeys(conversations, 0)
    seen: dict[str, list[int]] = {one: [] for one in conversations}
    cursor, calls = None, 0
    while calls == 0 or cursor is not None or any(len(one) < 5 for one in seen.values()):
        wanted: dict[str, Any] = {"conversations": positions, "limit": 7}
        answer = await door(bob, "chat.sync", wanted | ({"cursor": cursor} if cursor else {}))
        named = {page["conversationId"] for page in answer["conversations"]}
        left_out = [one for one in conversations if positions[one] < 5 and one not in named and one > (cursor or "")]
        assert answer["limited"] or not left_out
        for page in answer["conversations"]:
            seen[page["conversationId"]] += [entry["seq"] for entry in page["entries"]]
            positions[page["conversationId"]] = page["to"]
        assert sum(len(page["entries"]) for page in answer["conversations"]) <= 7
        assert answer["limited"] is (answer["cursor"] is not None)
        cursor, calls = answer["cursor"], calls + 1

    assert seen == {one: [1, 2, 3, 4, 5] for one in conversations}


async def test_sync_refuses_what_is_no_position(people: People, door: Door) -> None:
    (ada,) = await people("ada")

    for wrong in (
        {"conversations": {"nonsense": 1}},
        {"conversations": {ada.id: -1}},
        {"conversations": [ada.id]},
        {"limit": 501},
    ):
        with pytest.raises(Refusal) as refusal:
            await door(ada, "chat.sync", wrong)
        assert refusal.value.code == "bad_request"


async def test_somebody_who_is_ahead_of_the_log_misses_nothing(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)

    answer = await door(bob, "chat.sync", {"conversations": {conversation: 99}})

    assert answer["conversations"] == []


def actor_of(person: Person) -> Actor:
    """Somebody as a service sees him."""
    return Actor(person.id, "user", frozenset(), "session", "device", person.server.app.clock.now())


async def test_sync_from_any_places_with_any_limit_returns_exactly_the_log(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    chat: Chat = ada.server.service("chat")
    sockets = [await one.socket() for one in (ada, bob, cyd)]
    conversations = [await group(ada, bob, cyd) for _ in range(4)]
    dice = random.Random(7)
    for _ in range(120):
        await emit(dice.choice(sockets), dice.choice(conversations), "x")
    heads = {one: len(await missed(bob, one)) for one in conversations}

    for _ in range(40):
        known = {one: dice.randint(0, heads[one]) for one in dice.sample(conversations, dice.randint(1, 4))}
        positions, cursor, limit = dict(known), None, dice.randint(1, 40)
        found: dict[str, list[int]] = {one: [] for one in known}
        open_ = True
        while open_:
            answer = await chat.sync.missed(
                actor_of(bob), Sync(conversations=positions, cursor=cursor, limit=limit, only=True)
            )
            for page in answer.conversations:
                found[page.conversation_id] += [entry.seq for entry in page.entries]
                positions[page.conversation_id] = page.to
            cursor = answer.cursor
            open_ = answer.limited or any(page.more for page in answer.conversations)
            open_ = open_ or any(positions[one] < heads[one] for one in known)
        assert found == {one: list(range(after + 1, heads[one] + 1)) for one, after in known.items()}
