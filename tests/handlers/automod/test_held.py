"""Messages that wait for an admin: sent once as their author's, or never."""

import asyncio
from typing import Any

import pytest

from tests.handlers.automod.helpers import HOLD, acts, forbid, held, place, refused
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import fresh_id, group, said, say
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server


async def decide(admin: Person, conversation: str, held_id: str, *, approve: bool) -> Any:
    """What an admin decides, as it was answered."""
    return await admin.ask("POST", place(conversation, "held", held_id), {"approve": approve})


async def test_a_held_message_is_sent_once_as_its_authors_when_an_admin_approves(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    await forbid(ada, conversation, "casino", **HOLD)
    adas, bobs, cyds = await ada.socket(), await bob.socket(), await cyd.socket()
    message: dict[str, Any] = {
        "content": "the casino",
        "mentionedUserIds": [cyd.id],
        "clientMessageId": fresh_id(),
    }

    first = await refused(bob, conversation, **message)
    again = await refused(bob, conversation, **message)
    heard = await adas.next("automod:held")
    (waits,) = (await door(ada, "automod.held", {"conversationId": conversation}))["held"]
    decision = await door(
        ada, "automod.decide", {"conversationId": conversation, "heldId": waits["id"], "approve": True}
    )
    repeated = await say(bob, conversation, **message)

    assert (first.code, again.code) == ("chat.held", "chat.held")
    assert first.details == again.details == [{"field": "heldId", "message": waits["id"]}]
    assert heard == waits
    assert (waits["userId"], waits["content"], waits["mentionedUserIds"]) == (bob.id, "the casino", [cyd.id])
    news = await cyds.next("message:new")
    assert (news["id"], news["senderId"], news["content"]) == (decision["messageId"], bob.id, "the casino")
    assert (repeated["id"], repeated["duplicate"]) == (news["id"], True)
    assert (await bobs.next("automod:decided"))["clientMessageId"] == message["clientMessageId"]
    assert await said(cyd, conversation) == ["the casino"]
    assert await held(ada, conversation) == []
    done = [(act["outcome"], act["by"]) for act in await acts(ada, conversation)]
    assert done == [("approved", ada.id), ("hold", None)]
    await cyds.settle()
    assert cyds.events("automod:held") + cyds.events("automod:decided") == []


async def test_of_admins_who_approve_at_once_on_two_servers_it_is_sent_once(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await forbid(ada, conversation, "casino", **HOLD)
    await refused(bob, conversation, "casino")
    (waits,) = await held(ada, conversation)

    answers = await asyncio.gather(
        *(decide(ada.at(pair[turn % 2]), conversation, waits["id"], approve=True) for turn in range(6)),
        return_exceptions=True,
    )

    ids = {one["messageId"] for one in answers if isinstance(one, dict)}
    assert len(ids) == 1
    assert await said(bob, conversation) == ["casino"]
    assert [act["outcome"] for act in await acts(ada, conversation)] == ["approved", "hold"]


async def test_who_dies_while_he_sends_it_leaves_it_to_be_sent_once_by_the_next(
    people: People, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await forbid(ada, conversation, "casino", **HOLD)
    await refused(bob, conversation, "casino")
    (waits,) = await held(ada, conversation)

    async def dies(*_: Any) -> bool:
        raise ConnectionError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(server.service("automod").holding._store, "approved", dies)
        with pytest.raises(Refusal):
            await decide(ada, conversation, waits["id"], approve=True)
    with pytest.raises(Refusal) as rejected:
        await decide(ada, conversation, waits["id"], approve=False)
    await decide(ada, conversation, waits["id"], approve=True)

    assert rejected.value.code == "automod.already_decided"
    assert await said(bob, conversation) == ["casino"]


async def test_a_rejected_message_is_never_sent(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await forbid(ada, conversation, "casino", **HOLD)
    message = {"content": "casino", "clientMessageId": fresh_id()}
    await refused(bob, conversation, **message)
    (waits,) = await held(ada, conversation)
    ruling = {"conversationId": conversation, "heldId": waits["id"]}

    decision = await door(ada, "automod.decide", {**ruling, "approve": False})
    again = await refused(bob, conversation, **message)
    with pytest.raises(Refusal) as late:
        await door(ada, "automod.decide", {**ruling, "approve": True})
    with pytest.raises(Refusal) as unknown:
        await door(ada, "automod.decide", {**ruling, "heldId": conversation, "approve": True})

    assert (decision["approved"], decision["messageId"]) == (False, None)
    assert [one.code for one in (again, late.value, unknown.value)] == [
        "chat.screened",
        "automod.already_decided",
        "automod.no_such_held",
    ]
    assert await said(bob, conversation) == []


async def test_what_is_said_in_place_of_a_held_message_is_not_let_through(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await forbid(ada, conversation, "casino", **HOLD)
    once = fresh_id()
    await refused(bob, conversation, "a harmless casino", clientMessageId=once)
    (waits,) = await held(ada, conversation)

    swapped = await refused(bob, conversation, "an evil casino", clientMessageId=once)
    await decide(ada, conversation, waits["id"], approve=True)
    later = await say(bob, conversation, "an evil casino", clientMessageId=once)

    assert swapped.code == "chat.held"
    assert (later["content"], later["duplicate"]) == ("a harmless casino", True)
    assert await said(ada, conversation) == ["a harmless casino"]


async def test_who_has_left_sends_nothing_any_more(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await forbid(ada, conversation, "casino", **HOLD)
    await refused(bob, conversation, "casino")
    (waits,) = await held(ada, conversation)
    await bob.ask("DELETE", f"/api/conversations/{conversation}/participants/{bob.id}")

    with pytest.raises(Refusal) as refusal:
        await decide(ada, conversation, waits["id"], approve=True)
    decision = await decide(ada, conversation, waits["id"], approve=False)

    assert refusal.value.code == "automod.cannot_send"
    assert decision["approved"] is False
    assert await said(ada, conversation) == []


async def test_one_member_has_twenty_messages_that_wait_and_not_one_more(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await forbid(ada, conversation, "casino", **HOLD)

    refusals = await asyncio.gather(*(refused(bob, conversation, f"casino {turn}") for turn in range(20)))
    full = await refused(bob, conversation, "casino 21")

    assert {one.code for one in refusals} == {"chat.held"}
    assert full.code == "chat.screened"
    assert len(await held(ada, conversation)) == 20


async def test_an_erased_person_leaves_nothing_that_waits_and_not_what_he_said(people: People, server: Server) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await forbid(ada, conversation, "casino", **HOLD)
    await refused(bob, conversation, "casino")
    automod = server.service("automod")

    (own,) = await automod.taken_along(bob.id)
    await automod.forget(bob.id)

    assert (own.outcome, own.reasons[0].found) == ("hold", "casino")
    assert await held(ada, conversation) == []
    (act,) = await acts(ada, conversation)
    assert act["reasons"] == [{"kind": "keyword", "name": "words", "found": ""}]
