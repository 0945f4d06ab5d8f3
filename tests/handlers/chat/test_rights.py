"""What members of a group may do: the rule for all, restrictions of single ones, slow mode, and what is noted of it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from server.models import wire_time
from tests.handlers.chat.conftest import Pair, People, sign_in
from tests.handlers.chat.helpers import direct, fresh_id, group, missed, said, say, shown
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal

PICTURE = {"type": "image", "content": "", "media": {"type": "image", "url": "https://example.com/cat.png"}}
POLL = {"type": "poll", "content": "", "poll": {"question": "When?", "options": ["now", "later"]}}


async def refused(who: Person, conversation: str, **message: Any) -> str:
    """The code with which a message is refused."""
    with pytest.raises(Refusal) as refusal:
        await say(who, conversation, **message)
    return refusal.value.code


async def permit(who: Person, conversation: str, **permissions: Any) -> Any:
    """Set what members may do."""
    return await who.ask("PUT", f"/api/conversations/{conversation}/permissions", permissions)


async def restrict(who: Person, conversation: str, whom: Person, *denied: str, **more: Any) -> Any:
    """Refuse a member something."""
    path = f"/api/conversations/{conversation}/participants/{whom.id}/restrictions"
    return await who.ask("PUT", path, {"denied": list(denied), **more})


async def test_r48_members_of_a_new_group_may_speak_and_not_manage(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)

    seen = await shown(bob, conversation)

    wanted = {"send": True, "media": True, "links": True, "polls": True}
    assert seen["permissions"] == wanted | {"invite": False, "pin": False, "changeInfo": False}
    assert seen["slowMode"] == 0
    assert (await shown(ada, await direct(ada, bob)))["permissions"] is None


async def test_r48_the_groups_rule_holds_for_members_and_not_for_admins(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    bobs = await bob.socket()

    wanted = {"conversationId": conversation, "media": False, "links": False, "polls": False}
    changed = await door(ada, "chat.change_permissions", wanted)

    assert {name for name, value in changed["permissions"].items() if value} == {"send"}
    heard = await bobs.next("conversation:updated")
    assert (heard["change"]["action"], heard["change"]["fields"]) == ("settings", ["links", "media", "polls"])
    for message in (PICTURE, POLL, {"content": "see https://example.com"}, {"content": "see example.com/a"}):
        assert await refused(bob, conversation, **message) == "chat.restricted"
        await say(ada, conversation, **message)
    await say(bob, conversation, "Hello. There, e.g. at 10:30")
    await permit(ada, conversation, send=False)
    assert await refused(bob, conversation) == "chat.restricted"
    await permit(ada, conversation, send=True)
    await say(bob, conversation, "again")


async def test_r48_a_link_is_not_brought_in_by_an_edit(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    message = await say(bob, conversation, "plain")
    await permit(ada, conversation, links=False)

    with pytest.raises(Refusal) as refusal:
        await bob.ask("PUT", f"/api/messages/{message['id']}", {"content": "www.example.com"})
    await bob.ask("PUT", f"/api/messages/{message['id']}", {"content": "still plain"})
    await restrict(ada, conversation, bob, "send")
    with pytest.raises(Refusal) as silenced:
        await bob.ask("PUT", f"/api/messages/{message['id']}", {"content": "not plain"})

    assert (refusal.value.code, silenced.value.code) == ("chat.restricted", "chat.restricted")
    assert await said(ada, conversation) == ["still plain"]


async def test_r48_members_who_may_change_the_groups_face_and_invite_do_so(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    await door(ada, "chat.change_permissions", {"conversationId": conversation, "changeInfo": True, "invite": True})

    changed = await door(bob, "chat.change", {"conversationId": conversation, "name": "Ours"})
    await door(bob, "chat.add_participants", {"conversationId": conversation, "userIds": [cyd.id]})
    with pytest.raises(Refusal) as retention:
        await door(bob, "chat.change", {"conversationId": conversation, "name": "Mine", "messageRetention": 1})
    await restrict(ada, conversation, bob, "changeInfo", "invite")
    with pytest.raises(Refusal) as face:
        await door(bob, "chat.change", {"conversationId": conversation, "name": "Mine"})

    assert (changed["name"], changed["allowInvites"]) == ("Ours", True)
    assert (retention.value.code, face.value.code) == ("forbidden", "forbidden")
    assert (await shown(cyd, conversation))["name"] == "Ours"


async def test_r48_only_admins_set_rules_and_only_members_are_restricted(people: People, door: Door) -> None:
    ada, bob, cyd, eve = await people("ada", "bob", "cyd", "eve")
    conversation = await group(ada, bob, cyd)
    await door(ada, "chat.change_participant", {"conversationId": conversation, "userId": cyd.id, "role": "admin"})

    for who, name, wanted, code in (
        (bob, "chat.change_permissions", {"send": False}, "forbidden"),
        (bob, "chat.restrict_participant", {"userId": cyd.id, "denied": ["send"]}, "forbidden"),
        (bob, "chat.list_audit", {}, "forbidden"),
        (ada, "chat.restrict_participant", {"userId": cyd.id, "denied": ["send"]}, "conflict"),
        (cyd, "chat.restrict_participant", {"userId": ada.id, "denied": ["send"]}, "conflict"),
        (ada, "chat.restrict_participant", {"userId": eve.id, "denied": ["send"]}, "not_found"),
        (ada, "chat.restrict_participant", {"userId": bob.id, "denied": ["fly"]}, "bad_request"),
        (ada, "chat.restrict_participant", {"userId": bob.id, "denied": ["send", "send"]}, "bad_request"),
        (ada, "chat.change_permissions", {"slowMode": 11}, "bad_request"),
        (ada, "chat.change_permissions", {"send": None}, "bad_request"),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(who, name, {"conversationId": conversation, **wanted})
        assert refusal.value.code == code
    assert len(await missed(ada, conversation)) == 2


async def test_r48_a_restriction_ends_at_its_time(people: People, door: Door, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    until = wire_time(clock.now() + timedelta(minutes=5))

    wanted = {"conversationId": conversation, "userId": bob.id, "denied": ["send"], "until": until}
    changed = await door(ada, "chat.restrict_participant", wanted)
    first = await refused(bob, conversation)
    clock.advance(minutes=6)
    await say(bob, conversation, "back")

    (mine,) = (one for one in changed["participants"] if one["userId"] == bob.id)
    assert (mine["denied"], mine["deniedUntil"], first) == (["send"], until, "chat.restricted")
    for end in (wire_time(clock.now()), wire_time(clock.now() + timedelta(days=367))):
        with pytest.raises(Refusal) as refusal:
            await restrict(ada, conversation, bob, "send", until=end)
        assert refusal.value.code == "bad_request"


async def test_r48_a_restriction_holds_at_once_on_every_server_and_outlives_leaving(people: People, pair: Pair) -> None:
    (ada,) = await people("ada")
    (bob,) = await people("bob", at=pair[1])
    conversation = await group(ada, bob)
    await say(bob, conversation, "before")

    await restrict(ada, conversation, bob, "send")
    first = await refused(bob, conversation)
    await bob.ask("DELETE", f"/api/conversations/{conversation}")
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [bob.id]})
    second = await refused(bob, conversation)
    await restrict(ada, conversation, bob)
    await say(bob, conversation, "after")

    assert (first, second) == ("chat.restricted", "chat.restricted")
    assert await said(ada, conversation) == ["before", "after"]


async def test_r48_slow_mode_lets_members_wait_and_says_how_long(people: People, clock: TurnableClock) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    await permit(ada, conversation, slowMode=3600)

    first = await say(bob, conversation, "one")
    with pytest.raises(Refusal) as refusal:
        await say(bob, conversation, "too soon")
    again = await say(bob, conversation, "one", clientMessageId=first["clientMessageId"])
    await say(cyd, conversation, "mine")
    for number in range(3):
        await say(ada, conversation, f"admin {number}")
    clock.advance(hours=1)
    for one in (ada, bob):
        await sign_in(one)
    await say(bob, conversation, "two")

    assert refusal.value.code == "chat.slow_mode"
    assert 3_500_000 < (refusal.value.retry_after_ms or 0) <= 3_600_000
    assert (again["id"], again["duplicate"]) == (first["id"], True)
    assert await said(ada, conversation) == ["one", "mine", "admin 0", "admin 1", "admin 2", "two"]


async def test_r48_slow_mode_counts_across_servers_and_begins_at_once(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    sockets = [await bob.socket(), await bob.at(pair[1]).socket()]
    for number, socket in enumerate(sockets):
        await socket.ask("message:send", _text(conversation, f"before {number}"))
    await permit(ada, conversation, slowMode=300)

    tries = [socket.ask("message:send", _text(conversation, "now")) for socket in sockets * 3]
    answers = await asyncio.gather(*tries, return_exceptions=True)

    codes = sorted(one.code if isinstance(one, Refusal) else "said" for one in answers)
    assert codes == ["chat.slow_mode"] * 5 + ["said"]
    assert await said(ada, conversation) == ["before 0", "before 1", "now"]


def _text(conversation: str, content: str) -> dict[str, Any]:
    return {"conversationId": conversation, "type": "text", "content": content, "clientMessageId": fresh_id()}


async def test_r48_when_the_last_admin_leaves_the_oldest_member_follows(people: People) -> None:
    ada, bob, cyd, dan = await people("ada", "bob", "cyd", "dan")
    conversation = await group(ada, cyd)
    for one in (bob, dan):
        await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [one.id]})

    for leaver, heir in ((ada, cyd), (cyd, bob), (bob, dan)):
        await leaver.ask("DELETE", f"/api/conversations/{conversation}")
        assert (await shown(heir, conversation))["ownerId"] == heir.id


async def test_r48_ownership_is_handed_over_once_when_it_is_asked_for_twice(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    path = f"/api/conversations/{conversation}/participants/"

    answers = await asyncio.gather(
        *(ada.ask("PUT", path + one.id, {"role": "owner"}) for one in (bob, cyd)), return_exceptions=True
    )

    seen = {one["userId"]: one["role"] for one in (await shown(ada, conversation))["participants"]}
    assert sorted(isinstance(one, Refusal) for one in answers) == [False, True]
    assert sorted(seen.values()) == ["admin", "member", "owner"]
    assert seen[ada.id] == "admin"


async def test_r48_every_admin_action_is_noted_for_owner_and_admins(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    message = await say(bob, conversation, "rude")
    await ada.ask("DELETE", f"/api/messages/{message['id']}")
    await ada.ask("PUT", f"/api/conversations/{conversation}", {"name": "Kind"})
    await restrict(ada, conversation, bob, "links", "media")
    await permit(ada, conversation, slowMode=10)
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cyd.id]})
    await ada.ask("PUT", f"/api/conversations/{conversation}/participants/{cyd.id}", {"role": "admin"})
    await cyd.ask("DELETE", f"/api/conversations/{conversation}/participants/{bob.id}")
    await say(ada, conversation, "not an act")

    first = await door(cyd, "chat.list_audit", {"conversationId": conversation, "limit": 4})
    rest = await door(ada, "chat.list_audit", {"conversationId": conversation, "before": first["nextBefore"]})

    found = [(one["action"], one["by"], one["userIds"]) for one in first["entries"] + rest["entries"]]
    assert found == [
        ("removed", cyd.id, [bob.id]),
        ("role", ada.id, [cyd.id]),
        ("added", ada.id, [cyd.id]),
        ("settings", ada.id, []),
        ("restricted", ada.id, [bob.id]),
        ("settings", ada.id, []),
        ("deleted", ada.id, [bob.id]),
    ]
    assert [one["fields"] for one in rest["entries"]] == [[], ["name"], []]
    assert rest["entries"][0]["denied"] == ["links", "media"]
    assert (first["entries"][1]["role"], rest["nextBefore"]) == ("admin", None)
