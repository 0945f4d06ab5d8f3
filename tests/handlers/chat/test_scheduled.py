"""Messages that are sent later, once."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.handlers.chat.conftest import Pair, People, sign_in
from tests.handlers.chat.helpers import block, direct, group, said
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal


def wire(at: datetime) -> str:
    """A time as clients write it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def later(who: Person, conversation: str, at: datetime, content: str = "Hello", **more: Any) -> Any:
    """A message that waits."""
    wanted = {"type": "text", "content": content, "sendAt": wire(at), **more}
    return await who.ask("POST", f"/api/conversations/{conversation}/scheduled", wanted)


async def test_r46_a_scheduled_message_is_sent_once_whoever_runs_the_job(
    people: People, pair: Pair, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    one = await later(ada, conversation, clock.now() + timedelta(minutes=5), "in five minutes")
    await later(ada, conversation, clock.now() + timedelta(hours=3), "in three hours")
    adas, bobs = await ada.socket(), await bob.socket()
    jobs = [server.service("chat").scheduled for server in (*pair, *pair)]

    await asyncio.gather(*(job.send_due() for job in jobs))
    nothing = await said(bob, conversation)
    clock.advance(minutes=5, seconds=1)
    await sign_in(bob)
    await asyncio.gather(*(job.send_due() for job in jobs))

    heard = await bobs.next("message:new")
    news = await adas.next("scheduled:changed")
    assert nothing == []
    assert (heard["content"], heard["senderId"]) == ("in five minutes", ada.id)
    assert heard["clientMessageId"] == f"sched:{one['id']}"
    assert (news["action"], news["messageId"], news["scheduled"]["id"]) == ("sent", heard["id"], one["id"])
    assert await said(bob, conversation) == ["in five minutes"]
    await sign_in(ada)
    left = await ada.ask("GET", f"/api/conversations/{conversation}/scheduled")
    assert [waits["content"] for waits in left["scheduled"]] == ["in three hours"]


async def test_r46_a_process_that_dies_after_sending_does_not_make_it_twice(
    people: People, pair: Pair, clock: TurnableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    one = await later(ada, conversation, clock.now() + timedelta(minutes=1), "once")
    clock.advance(minutes=2)
    first, second = (server.service("chat").scheduled for server in pair)

    async def died(_: str) -> bool:
        raise ConnectionError("the process is gone")

    monkeypatch.setattr(first._store, "done", died)
    with pytest.raises(ConnectionError):
        await first.send_due()
    with pytest.raises(Refusal) as refusal:
        await ada.ask("PUT", f"/api/conversations/{conversation}/scheduled/{one['id']}", {"content": "twice"})
    await second.send_due()

    assert refusal.value.code == "chat.already_sent"
    assert await said(bob, conversation) == ["once"]
    assert (await ada.ask("GET", f"/api/conversations/{conversation}/scheduled"))["scheduled"] == []


async def test_r46_what_waits_is_changed_and_cancelled_by_its_author_alone(
    people: People, door: Door, server: Any, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    soon, far = clock.now() + timedelta(minutes=1), clock.now() + timedelta(days=300)
    here = {"conversationId": conversation}
    one = await door(ada, "chat.schedule", here | {"type": "text", "content": "one", "sendAt": wire(soon)})
    two = await door(ada, "chat.schedule", here | {"type": "text", "content": "two", "sendAt": wire(soon)})
    adas = await ada.socket()

    changed = await door(
        ada, "chat.change_scheduled", here | {"scheduledId": one["id"], "content": "ONE", "sendAt": wire(far)}
    )
    for name in ("chat.change_scheduled", "chat.cancel_scheduled"):
        with pytest.raises(Refusal) as refusal:
            await door(bob, name, here | {"scheduledId": one["id"]})
        assert refusal.value.code == "not_found"
    await door(ada, "chat.cancel_scheduled", here | {"scheduledId": two["id"]})

    assert (changed["content"], changed["sendAt"], changed["state"]) == ("ONE", wire(far), "waiting")
    assert (await door(ada, "chat.list_scheduled", here))["scheduled"] == [changed]
    assert (await door(bob, "chat.list_scheduled", here))["scheduled"] == []
    assert [(await adas.next("scheduled:changed"))["action"] for _ in range(2)] == ["changed", "cancelled"]
    clock.advance(minutes=2)
    await server.service("chat").scheduled.send_due()
    assert await said(ada, conversation) == []


async def test_r46_what_may_not_be_sent_when_its_time_comes_is_told_to_its_author(
    people: People, server: Any, clock: TurnableClock
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation, crew = await direct(ada, bob), await group(bob, ada, cyd)
    at = clock.now() + timedelta(minutes=1)
    await later(ada, conversation, at)
    await later(ada, crew, at)
    await block(ada, bob)
    await bob.ask("DELETE", f"/api/conversations/{crew}/participants/{ada.id}")
    adas = await ada.socket()
    clock.advance(minutes=2)

    for _ in range(2):
        await server.service("chat").scheduled.send_due()

    news = [await adas.next("scheduled:changed") for _ in range(2)]
    found = {one["conversationId"]: (one["action"], one["scheduled"]["error"]) for one in news}
    assert found == {conversation: ("failed", "forbidden"), crew: ("failed", "not_found")}
    await adas.settle()
    assert len(adas.events("scheduled:changed")) == 2
    (left,) = (await ada.ask("GET", f"/api/conversations/{conversation}/scheduled"))["scheduled"]
    assert (left["state"], left["error"]) == ("failed", "forbidden")
    assert await said(bob, crew) == []


async def test_r46_a_hundred_messages_wait_in_a_conversation_and_up_to_365_days(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    path = f"/api/conversations/{conversation}/scheduled"
    for _ in range(99):
        await later(ada, conversation, clock.now() + timedelta(days=364))

    wanted = {"type": "text", "content": "x", "sendAt": wire(clock.now() + timedelta(days=1))}
    first = await ada.http("POST", path, wanted)
    second = await ada.http("POST", path, wanted)

    assert (first[0], second[0], second[1]["code"]) == (201, 409, "chat.schedule_limit")
    assert len((await ada.ask("GET", path))["scheduled"]) == 100
    for at in (clock.now() - timedelta(seconds=1), clock.now() + timedelta(days=366)):
        with pytest.raises(Refusal) as refusal:
            await later(bob, conversation, at)
        assert refusal.value.fields == {"sendAt"}
    with pytest.raises(Refusal) as refusal:
        await later(bob, conversation, clock.now() + timedelta(days=1), clientMessageId="12345678")
    assert refusal.value.fields == {"clientMessageId"}
