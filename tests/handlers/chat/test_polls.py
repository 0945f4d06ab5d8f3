"""Polls that are closed by hand or by the clock, and quizzes."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.handlers.chat.conftest import Pair, People, sign_in
from tests.handlers.chat.helpers import group, missed, say
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal


async def ask(who: Person, conversation: str, **more: Any) -> Any:
    """A poll with three answers."""
    return await say(
        who, conversation, "", type="poll", poll={"question": "Tea?", "options": ["Yes", "No", "Later"], **more}
    )


async def test_r45_a_poll_is_closed_by_its_author_or_an_admin_and_takes_no_more_votes(
    people: People, door: Door
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    by_author, by_admin = await ask(bob, conversation), await ask(bob, conversation)
    await cyd.ask("POST", f"/api/messages/{by_author['id']}/votes", {"options": [0]})
    cyds = await cyd.socket()

    with pytest.raises(Refusal) as refusal:
        await door(cyd, "chat.close_poll", {"messageId": by_author["id"]})
    assert refusal.value.code == "forbidden"
    closed = await door(bob, "chat.close_poll", {"messageId": by_author["id"]})
    again = await door(bob, "chat.close_poll", {"messageId": by_author["id"]})
    await door(ada, "chat.close_poll", {"messageId": by_admin["id"]})

    assert closed["poll"]["closedAt"] is not None
    assert again == closed == await cyds.next("message:updated")
    for options in ([1], []):
        with pytest.raises(Refusal) as refusal:
            await door(cyd, "chat.vote", {"messageId": by_author["id"], "options": options})
        assert refusal.value.code == "chat.poll_closed"
    assert (await door(cyd, "chat.votes", {"messageId": by_author["id"]}))["mine"] == [0]
    kinds = [kind for _, kind in await missed(cyd, conversation)]
    assert kinds == ["member", "message", "message", "vote", "close", "close"]
    text = await say(bob, conversation)
    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.close_poll", {"messageId": text["id"]})
    assert refusal.value.code == "chat.not_a_poll"


async def test_r45_a_poll_with_a_time_closes_by_itself_once_for_all(
    people: People, pair: Pair, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    message, later = await ask(ada, conversation, closesIn=300), await ask(ada, conversation, closesIn=200_000)
    await bob.ask("POST", f"/api/messages/{message['id']}/votes", {"options": [1]})
    bobs = await bob.socket()
    clock.advance(seconds=301)
    await sign_in(bob)

    with pytest.raises(Refusal) as refusal:
        await bob.ask("POST", f"/api/messages/{message['id']}/votes", {"options": [2]})
    await asyncio.gather(*(one.service("chat").polls.close_due() for one in (*pair, *pair)))

    closes_at = datetime.fromisoformat(message["createdAt"]) + timedelta(minutes=5)
    heard = await bobs.next("message:updated")
    assert refusal.value.code == "chat.poll_closed"
    assert heard["poll"]["closedAt"] == heard["poll"]["closesAt"] == message["poll"]["closesAt"]
    assert abs(datetime.fromisoformat(message["poll"]["closesAt"]) - closes_at) < timedelta(seconds=5)
    assert [option["count"] for option in heard["poll"]["options"]] == [0, 1, 0]
    kinds = [kind for _, kind in await missed(bob, conversation)]
    assert kinds == ["member", "message", "message", "vote", "close"]
    assert (await bob.ask("GET", f"/api/messages/{later['id']}/votes"))["poll"]["closedAt"] is None


async def test_r45_a_quiz_tells_its_answer_only_when_it_is_closed(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    message = await ask(ada, conversation, correctOption=2)

    voted = await door(bob, "chat.vote", {"messageId": message["id"], "options": [0]})
    revoted = await door(bob, "chat.vote", {"messageId": message["id"], "options": [2]})
    closed = await door(ada, "chat.close_poll", {"messageId": message["id"]})

    assert [one["poll"]["quiz"] for one in (message, voted, closed)] == [True, True, True]
    assert [one["poll"]["correctOption"] for one in (message, voted, revoted, closed)] == [None, None, None, 2]
    assert [option["count"] for option in closed["poll"]["options"]] == [0, 0, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"correctOption": 3},
        {"correctOption": 0, "multiple": True},
        {"closesIn": 4},
        {"closesIn": 32 * 86_400 + 1},
        {"options": ["one"]},
        {"options": [str(number) for number in range(13)]},
        {"question": "x" * 301},
        {"options": ["a", "x" * 101]},
    ],
)
async def test_r45_a_poll_that_does_not_fit_is_refused(people: People, wrong: dict[str, Any]) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)

    with pytest.raises(Refusal) as refusal:
        await ask(ada, conversation, **wrong)

    assert refusal.value.code == "bad_request"
    assert await missed(bob, conversation) == [(1, "member")]
