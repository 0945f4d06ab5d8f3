"""Warnings, suspensions and appeals, and the audit log of all that moderators do."""

import asyncio
from typing import Any

import aiohttp
import orjson
import pytest

from handlers.safety.chain import BEGINNING, digest
from handlers.safety.models import AuditLine
from tests.conftest import PASSWORD, Cluster, People
from tests.handlers.chat.helpers import direct, group, say
from tests.handlers.safety.helpers import appoint, sign_in
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server


async def refusal(door: Door, who: Person, name: str, given: dict[str, Any]) -> str:
    """The code of what is refused."""
    with pytest.raises(Refusal) as refused:
        await door(who, name, given)
    return refused.value.code


async def outside(server: Server, name: str, text: str = "It was my brother", password: str = PASSWORD) -> Any:
    """The status of an appeal by somebody who is shut out, and the answer."""
    body = {"username": name, "password": password, "text": text}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/api/appeals/suspension", json=body) as answer,
    ):
        return answer.status, await answer.json()


async def test_who_is_warned_is_told_and_finds_the_warning(server: Server, people: People, door: Door) -> None:
    ada, bob, mod = await people("ada", "bob", "mod")
    await appoint(server, mod, "moderator")
    bobs = await bob.socket()
    message = await say(bob, await direct(ada, bob), "hello")
    filed = await ada.ask("POST", "/api/reports", {"messageId": message["id"], "reason": "spam"})

    await door(mod, "safety.claim", {"caseId": filed["id"]})
    await door(mod, "safety.resolve", {"caseId": filed["id"], "outcome": "warned", "message": "Stop it"})

    told = await bobs.next("safety:warned")
    (mine,) = (await door(bob, "safety.mine"))["measures"]
    assert mine == told
    assert (mine["kind"], mine["message"], mine["active"], mine["appeal"]) == ("warning", "Stop it", True, None)
    (kept,) = (await door(mod, "safety.measures", {"userId": bob.id}))["measures"]
    assert (kept["caseId"], kept["by"]) == (filed["id"], mod.id)


async def test_a_suspension_cuts_live_sockets_on_every_node_within_two_seconds(
    cluster: Cluster, people: People
) -> None:
    other = await cluster()
    bob, mod = await people("bob", "mod")
    await appoint(bob.server, mod, "moderator")
    here, there = await bob.socket(), await bob.at(other).socket()
    loop = asyncio.get_running_loop()
    began = loop.time()

    await mod.ask("POST", f"/api/moderation/users/{bob.id}/suspend", {"reason": "spam", "message": "Enough", "days": 3})
    codes = [await socket.next("session:closed") for socket in (here, there)]
    await asyncio.gather(here.closed.wait(), there.closed.wait())
    took = loop.time() - began

    assert codes == [{"code": "account_suspended"}] * 2
    assert took < 2.0
    assert (await bob.http("GET", "/api/users/me"))[0] == 401
    with pytest.raises(Refusal) as refused:
        await sign_in(bob)
    assert refused.value.code == "auth.account_suspended"


async def test_a_suspension_of_days_ends_by_itself(
    server: Server, people: People, door: Door, clock: TurnableClock
) -> None:
    bob, mod = await people("bob", "mod")
    await appoint(server, mod, "moderator")
    await door(mod, "safety.suspend", {"userId": bob.id, "reason": "spam", "message": "Enough", "days": 3})
    measures = server.service("safety").measures

    clock.advance(days=2, hours=23)
    early = await measures.end_due()
    clock.advance(hours=2)
    late = await measures.end_due()

    assert (early, late, await measures.end_due()) == (0, 1, 0)
    bob.tokens = (await sign_in(bob))["tokens"]
    assert [one["active"] for one in (await bob.ask("GET", "/api/safety/measures"))["measures"]] == [False]


async def test_who_is_suspended_is_so_once_and_is_let_in_again(server: Server, people: People, door: Door) -> None:
    bob, mod = await people("bob", "mod")
    await appoint(server, mod, "moderator")
    wanted = {"userId": bob.id, "reason": "spam", "message": "Enough"}

    before = await refusal(door, mod, "safety.reinstate", {"userId": bob.id})
    await door(mod, "safety.suspend", wanted)
    again = await refusal(door, mod, "safety.suspend", wanted)
    await door(mod, "safety.reinstate", {"userId": bob.id, "note": "A mistake"})

    assert (before, again) == ("safety.not_suspended", "safety.already_suspended")
    assert (await sign_in(bob))["user"]["id"] == bob.id
    assert (await door(mod, "safety.suspend", wanted))["active"]


async def test_offices_protect_from_all_but_admins_and_nobody_judges_himself(
    server: Server, people: People, door: Door
) -> None:
    mod, other, boss = await people("mod", "other", "boss")
    await appoint(server, mod, "moderator")
    await appoint(server, other, "moderator")
    await appoint(server, boss, "admin")

    def wanted(who: Person) -> dict[str, Any]:
        return {"userId": who.id, "reason": "other", "message": "No"}

    refusals = [await refusal(door, mod, "safety.suspend", wanted(who)) for who in (other, boss, mod)]
    refusals.append(await refusal(door, boss, "safety.warn", wanted(boss)))
    warned = await door(boss, "safety.warn", wanted(other))

    assert refusals == ["safety.untouchable"] * 4
    assert warned["userId"] == other.id
    assert (await door(boss, "safety.measures", {"userId": boss.id}))["measures"] == []


async def test_a_case_stays_open_when_its_measure_is_refused(server: Server, people: People, door: Door) -> None:
    ada, bob, mod = await people("ada", "bob", "mod")
    await appoint(server, mod, "moderator")
    crew = await group(ada, bob)
    filed = await ada.ask("POST", "/api/reports", {"conversationId": crew, "reason": "spam"})
    await door(mod, "safety.claim", {"caseId": filed["id"]})

    code = await refusal(
        door, mod, "safety.resolve", {"caseId": filed["id"], "outcome": "suspended", "message": "Enough"}
    )

    assert code == "safety.nobody_to_blame"
    (still,) = (await door(mod, "safety.queue", {"status": "claimed"}))["cases"]
    assert (still["id"], still["outcome"]) == (filed["id"], None)


async def test_an_appeal_against_a_suspension_is_proven_by_the_password_and_heard_once(
    server: Server, people: People, door: Door
) -> None:
    bob, mod, other = await people("bob", "mod", "other")
    await appoint(server, mod, "moderator")
    await appoint(server, other, "moderator")
    before = await outside(server, "bob")
    await door(mod, "safety.suspend", {"userId": bob.id, "reason": "spam", "message": "Enough"})

    guessed = await outside(server, "bob", password="Wrong-Horse-7")
    status, appeal = await outside(server, "bob")
    second = await outside(server, "bob")
    own = await refusal(door, mod, "safety.decide", {"appealId": appeal["id"], "granted": False, "answer": "No"})
    decided = await door(other, "safety.decide", {"appealId": appeal["id"], "granted": True, "answer": "Sorry"})
    again = await refusal(door, other, "safety.decide", {"appealId": appeal["id"], "granted": False, "answer": "No"})

    assert (before[0], before[1]["code"]) == (404, "safety.nothing_to_appeal")
    assert (guessed[0], guessed[1]["code"]) == (401, "unauthenticated")
    assert (status, second[1]["code"], own) == (201, "safety.already_appealed", "safety.own_measure")
    assert (decided["status"], decided["answer"], again) == ("granted", "Sorry", "safety.no_such_appeal")
    assert (await sign_in(bob))["user"]["id"] == bob.id


async def test_an_appeal_against_a_warning_is_refused_and_the_warning_stays(
    server: Server, people: People, door: Door
) -> None:
    ada, bob, boss = await people("ada", "bob", "boss")
    await appoint(server, boss, "admin")
    measure = await door(boss, "safety.warn", {"userId": bob.id, "reason": "spam", "message": "Stop it"})
    bobs = await bob.socket()

    strangers = await refusal(door, ada, "safety.appeal", {"measureId": measure["id"], "text": "Me too"})
    appeal = await door(bob, "safety.appeal", {"measureId": measure["id"], "text": "I did nothing"})
    queued = await door(boss, "safety.appeals", {})
    await door(boss, "safety.decide", {"appealId": appeal["id"], "granted": False, "answer": "You did"})

    assert strangers == "safety.nothing_to_appeal"
    assert [one["id"] for one in queued["appeals"]] == [appeal["id"]]
    assert (await bobs.next("safety:appeal"))["answer"] == "You did"
    (mine,) = (await door(bob, "safety.mine"))["measures"]
    assert (mine["active"], mine["appeal"]) == (True, "refused")


async def test_r48_every_act_of_a_moderator_is_a_line_of_an_unbroken_log(
    server: Server, people: People, door: Door
) -> None:
    ada, bob, mod, boss = await people("ada", "bob", "mod", "boss")
    await appoint(server, mod, "moderator")
    await appoint(server, boss, "admin")
    message = await say(bob, await direct(ada, bob), "hello")
    filed = await ada.ask("POST", "/api/reports", {"messageId": message["id"], "reason": "spam"})
    one = {"caseId": filed["id"]}

    await door(mod, "safety.look", one)
    await door(mod, "safety.claim", one)
    await door(mod, "safety.resolve", {**one, "outcome": "suspended", "message": "Enough", "note": "Third time"})
    _, appeal = await outside(server, "bob")
    await door(boss, "safety.decide", {"appealId": appeal["id"], "granted": False, "answer": "No"})
    await door(mod, "safety.reinstate", {"userId": bob.id})

    lines = [AuditLine.model_validate_json(_json(line)) for line in (await door(boss, "safety.audit", {}))["lines"]]
    lines.reverse()
    assert [(line.seq, line.action, line.by) for line in lines] == [
        (1, "case.seen", mod.id),
        (2, "case.claimed", mod.id),
        (3, "case.suspended", mod.id),
        (4, "user.suspended", mod.id),
        (5, "appeal.filed", bob.id),
        (6, "appeal.refused", boss.id),
        (7, "user.reinstated", mod.id),
    ]
    before = BEGINNING
    for line in lines:
        assert line.digest == digest(line, before)
        before = line.digest
    by_boss = await door(boss, "safety.audit", {"by": boss.id})
    page = await door(boss, "safety.audit", {"userId": bob.id, "limit": 2})
    assert [line["seq"] for line in by_boss["lines"]] == [6]
    assert ([line["seq"] for line in page["lines"]], page["nextBefore"]) == ([7, 6], 6)
    assert await refusal(door, mod, "safety.audit", {}) == "forbidden"


async def test_lines_that_are_written_at_once_come_one_after_the_other(server: Server, people: People) -> None:
    ada, bob, mod, boss = await people("ada", "bob", "mod", "boss")
    await appoint(server, mod, "moderator")
    await appoint(server, boss, "admin")
    message = await say(bob, await direct(ada, bob), "hello")
    filed = await ada.ask("POST", "/api/reports", {"messageId": message["id"], "reason": "spam"})

    await asyncio.gather(*(who.ask("GET", f"/api/moderation/reports/{filed['id']}") for who in (mod, boss) * 4))

    lines = (await boss.ask("GET", "/api/moderation/audit"))["lines"]
    assert [line["seq"] for line in lines] == list(range(8, 0, -1))


def _json(line: Any) -> bytes:
    return orjson.dumps(line)
