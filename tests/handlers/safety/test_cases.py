"""Reports of messages, conversations and people, their evidence, and the moderators' queue."""

import asyncio

import pytest

from storage.mongo import Mongo
from tests.conftest import Cluster, People
from tests.handlers.chat.helpers import block, direct, group, say
from tests.handlers.safety.helpers import appoint, heard
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal
from tests.harness.servers import Server


async def test_r41_a_report_keeps_the_message_and_twenty_around_it_for_moderators(
    server: Server, people: People, door: Door
) -> None:
    ada, bob, mod = await people("ada", "bob", "mod")
    await appoint(server, mod, "moderator")
    conversation = await direct(ada, bob)
    sent = [await say(bob, conversation, f"number {n}") for n in range(30)]

    filed = await door(ada, "safety.report", {"messageId": sent[14]["id"], "reason": "harassment", "details": "Rude"})
    await bob.ask("DELETE", f"/api/messages/{sent[14]['id']}")

    assert set(filed) == {"id", "subject", "messageId", "conversationId", "reason", "status", "createdAt"}
    seen = await door(mod, "safety.look", {"caseId": filed["id"]})
    assert (seen["case"]["userId"], seen["case"]["reporterId"], seen["case"]["details"]) == (bob.id, ada.id, "Rude")
    assert [one["content"] for one in seen["evidence"]["messages"]] == [f"number {n}" for n in range(4, 25)]


async def test_r41_a_message_that_disappears_stays_as_evidence_when_it_was_reported(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob, mod = await people("ada", "bob", "mod")
    await appoint(server, mod, "moderator")
    conversation = await direct(ada, bob)
    message = await say(bob, conversation, "bad words", expiresIn=60)
    filed = await ada.ask("POST", "/api/reports", {"messageId": message["id"], "reason": "hate"})

    clock.advance(seconds=61)
    await server.service("chat").timers.sweep()

    assert (await ada.ask("GET", f"/api/conversations/{conversation}/messages"))["messages"] == []
    seen = await mod.ask("GET", f"/api/moderation/reports/{filed['id']}")
    assert [one["content"] for one in seen["evidence"]["messages"]] == ["bad words"]


async def test_at_the_end_of_a_conversation_more_of_what_came_before_is_kept(server: Server, people: People) -> None:
    ada, bob, mod = await people("ada", "bob", "mod")
    await appoint(server, mod, "moderator")
    conversation = await direct(ada, bob)
    sent = [await say(bob, conversation, f"number {n}") for n in range(25)]
    found = []

    for which in (24, 0, 22):
        filed = await ada.ask("POST", "/api/reports", {"messageId": sent[which]["id"], "reason": "spam"})
        seen = await mod.ask("GET", f"/api/moderation/reports/{filed['id']}")
        found.append([int(one["content"].removeprefix("number ")) for one in seen["evidence"]["messages"]])

    assert found == [list(range(4, 25)), list(range(21)), list(range(4, 25))]


async def test_r41_evidence_is_gone_after_ninety_days_and_the_case_stays(
    server: Server, people: People, clock: TurnableClock, mongo: Mongo
) -> None:
    ada, bob, mod = await people("ada", "bob", "mod")
    message = await say(bob, await direct(ada, bob), "bad words")
    filed = await ada.ask("POST", "/api/reports", {"messageId": message["id"], "reason": "hate"})
    safety = server.service("safety")

    clock.advance(days=89, hours=23)
    early = await safety.cases.forget_evidence()
    clock.advance(hours=2)
    await appoint(server, mod, "moderator")
    seen = await mod.ask("GET", f"/api/moderation/reports/{filed['id']}")
    removed = await safety.cases.forget_evidence()

    assert (early, seen["evidence"], seen["case"]["id"], removed) == (0, None, filed["id"], 1)
    assert await mongo.collection("safety_evidence").count({}) == 0


async def test_reporting_a_message_again_returns_the_first_report(people: People, door: Door, mongo: Mongo) -> None:
    ada, bob = await people("ada", "bob")
    message = await say(bob, await direct(ada, bob), "bad words")
    wanted = {"messageId": message["id"], "reason": "spam"}

    answers = await asyncio.gather(*(door(ada, "safety.report", wanted) for _ in range(5)))

    assert answers == [answers[0]] * 5
    assert await mongo.collection("safety_cases").count({}) == 1
    assert await mongo.collection("safety_evidence").count({}) == 1


async def test_what_one_cannot_see_and_what_one_said_oneself_cannot_be_reported(
    people: People, door: Door, mongo: Mongo
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await direct(ada, bob)
    message = await say(bob, conversation, "hello")
    await block(ada, bob)
    hidden = await say(bob, conversation, "hidden")
    refusals = []

    for who, wanted in (
        (cyd, {"messageId": message["id"]}),
        (cyd, {"conversationId": conversation}),
        (ada, {"messageId": hidden["id"]}),
        (bob, {"messageId": message["id"]}),
        (ada, {}),
        (ada, {"messageId": message["id"], "conversationId": conversation}),
    ):
        with pytest.raises(Refusal) as refused:
            await door(who, "safety.report", {**wanted, "reason": "spam"})
        refusals.append(refused.value.code)

    assert refusals == ["not_found", "not_found", "not_found", "safety.own_message", "bad_request", "bad_request"]
    assert await mongo.collection("safety_cases").count({}) == 0


async def test_a_conversation_is_reported_with_its_last_messages(server: Server, people: People, door: Door) -> None:
    ada, bob, mod = await people("ada", "bob", "mod")
    await appoint(server, mod, "moderator")
    crew, pair = await group(ada, bob), await direct(ada, bob)
    for n in range(23):
        await say(bob, crew, f"number {n}")

    of_group = await door(ada, "safety.report", {"conversationId": crew, "reason": "fraud"})
    of_pair = await door(ada, "safety.report", {"conversationId": pair, "reason": "fraud"})

    seen = [await door(mod, "safety.look", {"caseId": one["id"]}) for one in (of_group, of_pair)]
    assert [one["content"] for one in seen[0]["evidence"]["messages"]] == [f"number {n}" for n in range(2, 23)]
    assert (seen[1]["evidence"]["messages"], seen[0]["case"]["userId"], seen[1]["case"]["userId"]) == ([], None, bob.id)


async def test_a_reported_person_is_a_case_too_and_closing_it_closes_the_report(
    server: Server, people: People, door: Door, mongo: Mongo
) -> None:
    ada, bob, mod = await people("ada", "bob", "mod")
    await appoint(server, mod, "moderator")
    filed = await door(ada, "users.report", {"userId": bob.id, "reason": "spam", "details": "Sells hats"})
    await heard(server)

    page = await door(mod, "safety.queue", {})
    await door(mod, "safety.claim", {"caseId": filed["id"]})
    closed = await door(mod, "safety.resolve", {"caseId": filed["id"], "outcome": "dismissed", "note": "Hats are fine"})

    assert [(one["id"], one["subject"], one["details"]) for one in page["cases"]] == [
        (filed["id"], "user", "Sells hats")
    ]
    assert (closed["status"], closed["outcome"], closed["resolvedBy"]) == ("closed", "dismissed", mod.id)
    kept = await mongo.collection("user_reports").find_one({"_id": filed["id"]})
    assert kept is not None
    assert kept["status"] == "closed"


async def test_only_moderators_and_admins_see_cases(server: Server, people: People, door: Door) -> None:
    ada, bob, boss = await people("ada", "bob", "boss")
    await appoint(server, boss, "admin")
    message = await say(bob, await direct(ada, bob), "hello")
    filed = await door(ada, "safety.report", {"messageId": message["id"], "reason": "spam"})
    refusals = []

    for name, given in (
        ("queue", {}),
        ("look", {"caseId": filed["id"]}),
        ("claim", {"caseId": filed["id"]}),
        ("resolve", {"caseId": filed["id"], "outcome": "dismissed"}),
        ("warn", {"userId": bob.id, "reason": "spam", "message": "No"}),
        ("suspend", {"userId": bob.id, "reason": "spam", "message": "No"}),
        ("reinstate", {"userId": bob.id}),
        ("measures", {"userId": bob.id}),
        ("appeals", {}),
        ("audit", {}),
    ):
        with pytest.raises(Refusal) as refused:
            await door(ada, f"safety.{name}", given)
        refusals.append(refused.value.code)

    assert refusals == ["forbidden"] * 10
    assert [one["status"] for one in (await door(boss, "safety.queue", {}))["cases"]] == ["open"]


async def test_a_case_belongs_to_one_moderator_until_half_an_hour_is_over(
    server: Server, people: People, door: Door, clock: TurnableClock
) -> None:
    ada, bob, mod, other = await people("ada", "bob", "mod", "other")
    await appoint(server, mod, "moderator")
    await appoint(server, other, "moderator")
    message = await say(bob, await direct(ada, bob), "hello")
    filed = await door(ada, "safety.report", {"messageId": message["id"], "reason": "spam"})
    one = {"caseId": filed["id"]}
    refusals = []

    async def refused(who: object, name: str, given: dict[str, object]) -> None:
        with pytest.raises(Refusal) as refusal:
            await door(who, name, given)  # type: ignore[arg-type]
        refusals.append(refusal.value.code)

    await refused(mod, "safety.resolve", {**one, "outcome": "dismissed"})
    await door(mod, "safety.claim", one)
    await refused(other, "safety.claim", one)
    await refused(other, "safety.resolve", {**one, "outcome": "dismissed"})
    clock.advance(minutes=31)
    taken = await door(other, "safety.claim", one)
    await refused(mod, "safety.resolve", {**one, "outcome": "dismissed"})
    await door(other, "safety.resolve", {**one, "outcome": "dismissed"})
    await refused(other, "safety.claim", one)

    assert refusals == ["safety.not_yours"] * 5
    assert taken["claimedBy"] == other.id


async def test_twenty_reports_a_day_are_enough_whatever_is_reported(cluster: Cluster, people: People) -> None:
    strict = await cluster(limits="on")
    ada, bob = await people("ada", "bob")
    message = await say(bob, await direct(ada, bob), "hello")
    here = ada.at(strict)

    people_first = [(await here.http("POST", f"/api/users/{bob.id}/report", {"reason": "spam"}))[0] for _ in range(10)]
    then = [
        (await here.http("POST", "/api/reports", {"messageId": message["id"], "reason": "spam"}))[0] for _ in range(11)
    ]

    assert people_first + then == [201] * 20 + [429]


async def test_what_is_kept_of_an_erased_person_goes(server: Server, people: People, mongo: Mongo) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    crew = await group(ada, bob, cyd)
    bobs, cyds = await say(bob, crew, "of bob"), await say(cyd, crew, "of cyd")
    await ada.ask("POST", "/api/reports", {"messageId": bobs["id"], "reason": "spam"})
    kept = await ada.ask("POST", "/api/reports", {"messageId": cyds["id"], "reason": "spam"})
    own = await bob.ask("POST", "/api/reports", {"messageId": cyds["id"], "reason": "spam"})

    await server.service("safety").forget(bob.id)

    cases = {one["_id"]: one["reporterId"] for one in await mongo.collection("safety_cases").find({}, limit=9)}
    evidence = await mongo.collection("safety_evidence").find({}, limit=9)
    assert set(cases) == {kept["id"], own["id"]}
    assert cases[own["id"]] not in {ada.id, bob.id, cyd.id}
    assert [[one["content"] for one in each["messages"]] for each in evidence] == [["of cyd"]] * 2
