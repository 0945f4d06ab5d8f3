"""What the rules of a group do to what is said in it, on every server and through both doors."""

import asyncio
from typing import Any

import pytest

from handlers.automod.matching import MOST_STEPS_TOGETHER
from tests.handlers.automod.helpers import (
    ALERT,
    BLOCK,
    LIMIT,
    acts,
    fate,
    forbid,
    held,
    place,
    refused,
    rule,
)
from tests.handlers.chat.conftest import Pair, People, sign_in
from tests.handlers.chat.helpers import direct, fresh_id, group, missed, said, say, shown
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal

POLL = {"type": "poll", "poll": {"question": "Which?", "options": ["tea", "casino"]}}
PICTURE = {"type": "image", "media": {"type": "image", "url": "https://cdn.example.com/cat.png"}}


async def test_what_is_forbidden_is_refused_with_a_reason_and_not_said(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    wanted = {"conversationId": conversation, "name": "games", "terms": ["casino*"], "consequence": BLOCK}
    rules = await door(ada, "automod.set_terms", wanted)
    message = {"conversationId": conversation, "type": "text", "content": "come to the c\u0430sin\u043es"}

    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.send", {**message, "clientMessageId": fresh_id()})
    await door(bob, "chat.send", {**message, "content": "come to the park", "clientMessageId": fresh_id()})

    assert rules["keywords"] == [
        {"name": "games", "count": 1, "consequence": BLOCK | {"alert": False, "timeout": None}}
    ]
    assert refusal.value.code == "chat.screened"
    assert refusal.value.details == [{"field": "content", "message": "words that are not allowed here"}]
    assert await said(ada, conversation) == ["come to the park"]
    (act,) = (await door(ada, "automod.acts", {"conversationId": conversation}))["acts"]
    assert (act["outcome"], act["userId"], act["by"]) == ("block", bob.id, None)
    assert act["reasons"] == [{"kind": "keyword", "name": "games", "found": "casino*"}]


async def test_captions_polls_files_places_and_edits_are_looked_at_too(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await forbid(ada, conversation, "casino")
    plain = await say(bob, conversation, "plain")
    named = {"type": "file", "media": {**PICTURE["media"], "type": "file", "filename": "casino.pdf"}}  # type: ignore[dict-item]
    spot = {"type": "location", "location": {"latitude": 1.0, "longitude": 1.0, "address": "The Casino"}}

    codes = [(await refused(bob, conversation, "", **POLL)).code]
    codes.append((await refused(bob, conversation, "my casino", **PICTURE)).code)
    codes += [(await refused(bob, conversation, "", **one)).code for one in (named, spot)]
    with pytest.raises(Refusal) as edit:
        await bob.ask("PUT", f"/api/messages/{plain['id']}", {"content": "casino"})

    assert [*codes, edit.value.code] == ["chat.screened"] * 5
    assert await said(ada, conversation) == ["plain"]
    assert [act["edit"] for act in await acts(ada, conversation)] == [True, False, False, False, False]


async def test_rules_hold_at_once_on_every_server_also_where_the_group_is_remembered(
    people: People, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    there = bob.at(pair[1])
    await say(there, conversation, "casino one")
    await say(bob, conversation, "casino two")

    await forbid(ada, conversation, "casino")
    first = await refused(there, conversation, "casino three")
    await forbid(ada, conversation, "roulette")
    again = await refused(there, conversation, "roulette")
    await say(there, conversation, "casino four")
    await ada.ask("DELETE", place(conversation, "keywords", "words"))
    await say(there, conversation, "roulette two")

    assert (first.code, again.code) == ("chat.screened", "chat.screened")
    assert await said(ada, conversation) == ["casino one", "casino two", "casino four", "roulette two"]


async def test_owner_and_admins_are_exempt_unless_the_rules_say_otherwise(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    role = {"conversationId": conversation, "userId": cyd.id, "role": "admin"}
    await ada.ask("PUT", f"/api/conversations/{conversation}/participants/{cyd.id}", {"role": role["role"]})
    await forbid(ada, conversation, "casino")
    await say(ada, conversation, "casino")
    await say(cyd, conversation, "casino")

    await rule(ada, conversation, exempt=["owner"])
    code = (await refused(cyd, conversation, "casino")).code
    await say(ada, conversation, "casino")

    assert code == "chat.screened"
    assert await said(bob, conversation) == ["casino"] * 3


async def test_only_admins_see_and_set_rules_and_only_of_groups(people: People, door: Door) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    conversation, private = await group(ada, bob), await direct(ada, bob)
    trial = {"content": "casino"}
    ruling = {"heldId": conversation, "approve": True}
    words = {"name": "words", "terms": ["casino"]}

    for who, where, code in (
        (bob, conversation, "forbidden"),
        (eve, conversation, "not_found"),
        (ada, private, "forbidden"),
    ):
        for name, wanted in (
            ("rules", {}),
            ("set_rules", {"allow": ["x"]}),
            ("terms", {"name": "words"}),
            ("set_terms", words),
            ("remove_terms", {"name": "words"}),
            ("try_out", trial),
            ("held", {}),
            ("decide", ruling),
            ("acts", {}),
        ):
            with pytest.raises(Refusal) as refusal:
                await door(who, f"automod.{name}", {"conversationId": where, **wanted})
            assert (name, refusal.value.code) == (name, code)
    for who, code in ((bob, "forbidden"), (eve, "not_found")):
        with pytest.raises(Refusal) as refusal:
            await door(who, "automod.unlock", {"conversationId": conversation})
        assert refusal.value.code == code
    assert len(await missed(ada, conversation)) == 1


async def test_a_group_has_only_so_many_rules_and_words(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)

    async def set_terms(name: str, terms: list[str], **more: Any) -> str:
        wanted = {"conversationId": conversation, "name": name, "terms": terms, **more}
        try:
            return str((await door(ada, "automod.set_terms", wanted))["keywords"][-1]["count"])
        except Refusal as refusal:
            return refusal.code

    async def set_rules(**parts: Any) -> str:
        try:
            await door(ada, "automod.set_rules", {"conversationId": conversation, **parts})
        except Refusal as refusal:
            return refusal.code
        return "ok"

    def patterns(*sources: str) -> list[dict[str, Any]]:
        return [{"name": f"p{place}", "pattern": one, "consequence": BLOCK} for place, one in enumerate(sources)]

    thousand = [f"word{number}" for number in range(1000)]
    assert await set_terms("one", thousand) == "1000"
    assert await set_terms("one", ["more"], more=True) == "automod.too_many_rules"
    assert await set_terms("one", thousand[:999]) == "999"
    assert await set_terms("one", ["more"], more=True) == "1000"
    assert await set_terms("two", [*thousand, "more"]) == "bad_request"
    assert [await set_terms(name, ["x"]) for name in ("2", "3", "4", "5", "6", "7")] == [
        *("1" for _ in range(5)),
        "automod.too_many_rules",
    ]
    for bad in (["a" * 61], ["a*b"], ["***"], ["\u200b"], [""], []):
        assert await set_terms("one", bad) == "bad_request"
    assert await set_terms("no name", ["x"]) in {"bad_request", "not_found"}
    assert await set_rules(patterns=patterns(*["x"] * 11)) == "bad_request"
    assert await set_rules(patterns=patterns("(" * 3)) == "bad_request"
    assert await set_rules(patterns=patterns("x" * 261)) == "bad_request"
    assert await set_rules(patterns=patterns(r"\p{L}")) == "ok"
    assert MOST_STEPS_TOGETHER < 3 * 1300
    assert await set_rules(patterns=patterns(*[r"\p{L}"] * 3)) == "automod.too_many_rules"
    assert await set_rules(allow=[f"w{number}" for number in range(101)]) == "bad_request"
    assert await set_rules(exempt=None) == "bad_request"
    assert await set_rules(mentions={"most": 1, "consequence": {"then": "pass"}}) == "bad_request"
    assert await set_rules(mentions={"most": 1, "consequence": {"timeout": 28 * 86_400 + 1}}) == "bad_request"
    assert await set_rules(unknown=1) == "bad_request"
    listed = await door(ada, "automod.terms", {"conversationId": conversation, "name": "one"})
    assert listed["terms"] == [*thousand[:999], "more"]


async def test_links_lead_only_where_they_may(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await rule(ada, conversation, links={"mode": "allow", "domains": ["good.com"], "consequence": BLOCK})
    allowed = [
        await fate(ada, conversation, text)
        for text in (
            "https://good.com/x and www.good.com",
            "https://sub.good.com",
            "https://notgood.com",
            "https://good.com@evil.com",
            "https://go\u043ed.com",
            "no address at all, e.g. this",
        )
    ]
    await rule(ada, conversation, links={"mode": "deny", "domains": ["evil.com"], "consequence": BLOCK})
    denied = [
        await fate(ada, conversation, text)
        for text in ("https://good.com", "at evil.com", "https://a.b.evil.com/x", "\u0435vil.com", "notevil.com")
    ]
    lying = await refused(bob, conversation, "", type="image", media={"type": "image", "url": "https://evil.com/x.png"})

    assert allowed == ["pass", "pass", "block", "block", "block", "pass"]
    assert denied == ["pass", "block", "block", "block", "pass"]
    assert lying.details == [{"field": "content", "message": "an address that is not allowed here"}]


async def test_mentions_are_capped_and_a_raid_of_mentions_is_seen_across_servers(
    people: People, pair: Pair, clock: TurnableClock
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    both = {"mentionedUserIds": [ada.id, cyd.id]}
    await rule(ada, conversation, mentions={"most": 1, "consequence": BLOCK})
    capped = await refused(bob, conversation, "you two", **both)
    raid = {"most": 4, "seconds": 60, "consequence": BLOCK}
    await rule(ada, conversation, mentions=None, mentionRaid=raid)

    again = {"clientMessageId": fresh_id()}
    for _ in range(3):
        await say(bob, conversation, "one", **both, **again)
    await say(cyd.at(pair[1]), conversation, "two", mentionedUserIds=[ada.id, bob.id])
    full = await refused(cyd.at(pair[1]), conversation, "three", mentionedUserIds=[ada.id])
    await say(cyd, conversation, "nobody")
    clock.advance(seconds=61)
    await say(cyd, conversation, "three", mentionedUserIds=[ada.id])

    assert [one.details[0]["message"] for one in (capped, full)] == [
        "too many people mentioned at once",
        "more people mentioned, when all have just mentioned too many",
    ]
    assert await said(ada, conversation) == ["one", "two", "nobody", "three"]


async def test_the_same_text_in_five_groups_within_ten_minutes_is_one_too_many(
    people: People, pair: Pair, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    groups = [await group(ada, bob) for _ in range(6)]
    for one in groups:
        await rule(ada, one, duplicates={"consequence": BLOCK})
    text = "Earn two thousand dollars a week from home, write to me now"

    for place_, one in enumerate(groups[:4]):
        await say(bob.at(pair[place_ % 2]), one, text)
        await say(bob, one, text)
    fifth = await refused(bob.at(pair[1]), groups[4], text.upper() + " \u200b!!")
    await say(bob, groups[4], "ok, see you")
    await say(bob, groups[4], "Something else altogether that nobody has ever said in any of these groups")
    clock.advance(minutes=11)
    await sign_in(bob)
    await say(bob, groups[5], text)

    assert fifth.details == [{"field": "content", "message": "what you have just said in several groups"}]


async def test_an_alert_reaches_admins_alone_and_the_message_is_said(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    await forbid(ada, conversation, "casino", **ALERT)
    adas, bobs, cyds = await ada.socket(), await bob.socket(), await cyd.socket()

    await say(bob, conversation, "a casino")

    heard = await adas.next("automod:alert")
    assert (heard["outcome"], heard["userId"], heard["reasons"][0]["found"]) == ("pass", bob.id, "casino")
    await cyds.next("message:new")
    for one in (bobs, cyds):
        await one.settle()
        assert one.events("automod:alert") == []


async def test_a_timeout_silences_until_its_end_and_is_noted(people: People, pair: Pair, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await forbid(ada, conversation, "casino", then="block", timeout=600)

    first = await refused(bob, conversation, "casino")
    there = await refused(bob.at(pair[1]), conversation, "sorry")
    (mine,) = (one for one in (await shown(ada, conversation))["participants"] if one["userId"] == bob.id)
    (act,) = await acts(ada, conversation)
    audit = (await ada.ask("GET", f"/api/conversations/{conversation}/audit"))["entries"]
    clock.advance(minutes=11)
    await say(bob, conversation, "back")

    assert (first.code, there.code) == ("chat.screened", "chat.restricted")
    assert mine["silentUntil"] == act["silentUntil"]
    assert mine["denied"] == []
    assert (audit[0]["action"], audit[0]["by"], audit[0]["userIds"]) == ("restricted", ada.id, [bob.id])


async def test_an_admin_ends_a_timeout_and_what_he_refused_before_stays_after_one(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    restrictions = f"/api/conversations/{conversation}/participants/{bob.id}/restrictions"
    await ada.ask("PUT", restrictions, {"denied": ["links"]})
    await forbid(ada, conversation, "casino", then="block", timeout=600)
    await refused(bob, conversation, "casino")

    (mine,) = (one for one in (await shown(ada, conversation))["participants"] if one["userId"] == bob.id)
    await ada.ask("PUT", restrictions, {"denied": []})
    await say(bob, conversation, "back")

    assert mine["denied"] == ["links"]
    assert mine["silentUntil"] is not None


async def test_what_is_limited_only_its_sender_sees_and_he_does_not_learn_it(people: People, pair: Pair) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    await forbid(ada, conversation, "casino", **LIMIT)
    cyds = await cyd.at(pair[1]).socket()

    limited = await say(bob, conversation, "casino")
    open_ = await say(bob, conversation, "hello")

    assert (limited["status"], open_["seq"]) == ("sent", limited["seq"] + 1)
    assert (await cyds.next("message:new"))["content"] == "hello"
    assert await said(bob, conversation) == ["casino", "hello"]
    assert await said(cyd, conversation) == await said(ada, conversation) == ["hello"]
    assert (await shown(cyd, conversation))["unread"] == 1
    assert [act["outcome"] for act in await acts(ada, conversation)] == ["limit"]


async def test_what_is_limited_is_not_shown_to_newcomers_who_see_what_was_said_before(people: People) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    conversation = await group(ada, bob)
    await ada.ask("PUT", f"/api/conversations/{conversation}", {"historyVisible": True})
    await forbid(ada, conversation, "casino", **LIMIT)
    limited = await say(bob, conversation, "casino")
    await say(bob, conversation, "hello")

    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [eve.id]})
    with pytest.raises(Refusal) as reply:
        await say(eve, conversation, "what?", replyToMessageId=limited["id"])
    with pytest.raises(Refusal) as reaction:
        await eve.ask("POST", f"/api/messages/{limited['id']}/reactions", {"emoji": "👍"})

    assert await said(eve, conversation) == ["hello"]
    assert (reply.value.code, reaction.value.code) == ("bad_request", "not_found")
    assert await said(bob, conversation) == ["casino", "hello"]
    await bob.ask("POST", f"/api/messages/{limited['id']}/hide")
    assert await said(bob, conversation) == ["hello"]


async def test_of_several_rules_the_strictest_holds(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await forbid(ada, conversation, "red", name="r", then="limit", timeout=60)
    await forbid(ada, conversation, "green", name="g", then="hold")
    await forbid(ada, conversation, "blue", name="b", then="block", alert=True)

    found = await ada.ask("POST", place(conversation, "test"), {"content": "red green blue"})

    assert (found["outcome"], found["alert"], found["timeout"]) == ("block", True, 60)
    assert [(one["kind"], one["name"]) for one in found["hits"]] == [
        ("keyword", "r"),
        ("keyword", "g"),
        ("keyword", "b"),
    ]
    assert await fate(ada, conversation, "red green") == "hold"
    assert await fate(ada, conversation, "red") == "limit"
    assert (await acts(ada, conversation), await held(ada, conversation)) == ([], [])
    assert await said(bob, conversation) == []


async def test_rules_of_two_admins_at_once_are_both_there(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await ada.ask("PUT", f"/api/conversations/{conversation}/participants/{bob.id}", {"role": "admin"})

    await asyncio.gather(
        forbid(ada, conversation, "one", name="one"), forbid(bob.at(pair[1]), conversation, "two", name="two")
    )

    rules = await ada.ask("GET", place(conversation))
    assert {one["name"] for one in rules["keywords"]} == {"one", "two"}


async def test_forwarded_messages_are_looked_at(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation, private = await group(ada, bob), await direct(ada, bob)
    await forbid(ada, conversation, "casino")
    message = await say(bob, private, "casino")

    answer = await bob.ask("POST", f"/api/messages/{message['id']}/forward", {"conversationIds": [conversation]})

    assert [one["code"] for one in answer["refused"]] == ["chat.screened"]
    assert await said(ada, conversation) == []
