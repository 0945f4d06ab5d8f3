"""Statuses that people set, and the line about oneself."""

from datetime import timedelta

import pytest

from server.models import wire_time
from tests.conftest import People
from tests.handlers.presence.helpers import arrive, befriend, devices, hang_up, minute, pass_time, presence_of, statuses
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal
from tests.harness.servers import Server


async def test_a_status_is_told_to_friends_and_to_the_other_devices(
    door: Door, server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, adas = await arrive(bob), await arrive(ada)
    await pass_time(clock, server, seconds=11)

    answer = await door(ada, "presence.update", {"status": "busy"})

    assert answer["status"] == "busy"
    assert await adas.next("presence:updated") == answer
    assert await statuses(bobs) == ["online", "busy"]
    assert (await presence_of(bob, ada))["status"] == "busy"


@pytest.fixture
def shortly_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that start from now on hold the busy for five minutes: access tokens do not last an hour."""
    monkeypatch.setenv("MIXEE_PRESENCE_BUSY_SECONDS", "300")


@pytest.mark.usefixtures("shortly_busy")
async def test_busy_survives_without_a_device_for_its_time_and_stays_until_another_status_is_set(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, adas = await arrive(bob), await arrive(ada)
    await adas.ask("presence:update", {"status": "busy"})
    await pass_time(clock, server, seconds=11)
    await hang_up(server, ada, adas)

    await pass_time(clock, server, minutes=1)
    held = await presence_of(bob, ada)
    await pass_time(clock, server, minutes=3)
    assert await statuses(bobs) == ["online", "busy"]
    await pass_time(clock, server, minutes=2)
    assert await statuses(bobs) == ["online", "busy", "offline"]
    await arrive(ada)
    await pass_time(clock, server, seconds=11)
    await ada.ask("PUT", "/api/presence/status", {"status": "online"})
    await pass_time(clock, server, seconds=11)

    assert (held["status"], held["currentDevice"]) == ("busy", None)
    assert await statuses(bobs) == ["online", "busy", "offline", "busy", "online"]


async def test_r31_a_device_that_nobody_uses_is_away_after_five_minutes_and_back_with_its_first_use(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, adas = await arrive(bob), await arrive(ada)

    await pass_time(clock, server, seconds=290)
    await adas.ask("app:state", {"state": "foreground"})
    await pass_time(clock, server, seconds=290)
    assert await statuses(bobs) == ["online"]
    await pass_time(clock, server, seconds=15)
    assert await statuses(bobs) == ["online", "away"]
    assert (await presence_of(bob, ada))["status"] == "away"
    await pass_time(clock, server, seconds=200)
    await adas.ask("app:state", {"state": "foreground"})

    assert await statuses(bobs) == ["online", "away", "online"]


async def test_the_use_of_a_device_that_other_slices_report_keeps_its_person_online(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, adas = await arrive(bob), await arrive(ada)
    group = await ada.ask("POST", "/api/conversations", {"type": "direct", "participantIds": [bob.id]})
    other = {"conversationId": group["id"], "isTyping": True}

    for _ in range(2):
        await pass_time(clock, server, seconds=200)
        await adas.ask("message:typing", other)
    await pass_time(clock, server, seconds=280)

    assert await statuses(bobs) == ["online"]
    await pass_time(clock, server, seconds=25)
    assert await statuses(bobs) == ["online", "away"]


async def test_an_app_in_the_background_is_away_and_a_device_in_the_foreground_goes_before_it(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, phone, laptop = await arrive(bob), await arrive(ada, device="phone-1"), await arrive(ada, device="desktop-1")

    seen = []
    for socket, state in ((phone, "background"), (laptop, "background"), (phone, "foreground")):
        await pass_time(clock, server, seconds=11)
        own = await socket.ask("app:state", {"state": state})
        view = await presence_of(bob, ada)
        seen.append((own["status"], view["status"], view["currentDevice"]))
    await pass_time(clock, server, seconds=11)
    await phone.ask("presence:update", {"status": "away"})
    await pass_time(clock, server, seconds=11)
    await phone.ask("app:state", {"state": "foreground"})

    assert seen == [("online", "online", "desktop"), ("away", "away", "desktop"), ("online", "online", "mobile")]
    assert await statuses(bobs) == ["online", "away", "online", "away"]
    with pytest.raises(Refusal):
        await phone.ask("app:state", {"state": "asleep"})


async def test_r31_nobody_sees_the_invisible_come_stay_or_go(
    door: Door, server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, adas = await arrive(bob), await arrive(ada)
    await pass_time(clock, server, seconds=11)
    gone = minute(clock)
    answer = await door(ada, "presence.update", {"status": "invisible"})
    after = minute(clock)
    assert answer["status"] == "invisible"
    assert await statuses(bobs) == ["online", "offline"]

    for one in await devices(server, ada):
        assert one.state == "online"
    await hang_up(server, ada, adas)
    await pass_time(clock, server, seconds=300)
    again = await ada.socket()
    await again.next("presence:snapshot")
    await pass_time(clock, server, seconds=300)

    seen = await presence_of(bob, ada)
    assert (seen["status"], seen["currentDevice"]) == ("offline", None)
    assert seen["lastSeenAt"] in {gone, after}
    assert (await presence_of(ada, ada))["status"] == "invisible"
    assert await statuses(bobs) == ["online", "offline"]
    await door(ada, "presence.update", {"status": "online"})
    assert await statuses(bobs) == ["online", "offline", "online"]


async def test_somebody_is_away_when_all_devices_are(server: Server, people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, phone, laptop = await arrive(bob), await arrive(ada, device="phone-1"), await arrive(ada, device="desktop-1")

    seen = []
    for socket, status in ((phone, "away"), (laptop, "away"), (phone, "online")):
        await pass_time(clock, server, seconds=11)
        await socket.ask("presence:update", {"status": status})
        view = await presence_of(bob, ada)
        seen.append((view["status"], view["currentDevice"]))

    assert seen == [("online", "desktop"), ("away", "desktop"), ("online", "mobile")]
    assert await statuses(bobs) == ["online", "away", "online"]


async def test_away_over_http_is_about_all_devices_when_the_one_who_says_it_has_no_connection(
    people: People,
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    await arrive(ada, device="phone-1")
    await arrive(ada, device="desktop-1")

    await ada.ask("PUT", "/api/presence/status", {"status": "away"})

    assert (await presence_of(bob, ada))["status"] == "away"


async def test_a_line_about_oneself_is_told_and_cleared(
    door: Door, server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, adas = await arrive(bob), await arrive(ada)
    await pass_time(clock, server, seconds=11)
    line = {"emoji": "🌴", "text": "At the sea", "expiresAt": None}

    answer = await door(ada, "presence.set_custom", {"emoji": "🌴", "text": " At the sea "})
    await pass_time(clock, server, seconds=11)
    cleared = await door(ada, "presence.clear_custom")

    assert (answer["customStatus"], cleared["customStatus"]) == (line, None)
    assert await adas.next("presence:updated") == answer
    await bobs.settle()
    told = [(one["status"], one["customStatus"]) for one in bobs.events("presence:updated")]
    assert told == [("online", None), ("online", line), ("online", None)]


async def test_a_status_may_bring_a_line_keep_it_or_clear_it(door: Door, people: People) -> None:
    (ada,) = await people("ada")
    line = {"emoji": "🎧", "text": "Deep work", "expiresAt": None}

    brought = await door(ada, "presence.update", {"status": "busy", "customStatus": line})
    kept = await door(ada, "presence.update", {"status": "online"})
    cleared = await door(ada, "presence.update", {"status": "online", "customStatus": None})

    assert [one["customStatus"] for one in (brought, kept, cleared)] == [line, line, None]


async def test_a_line_goes_away_by_itself(server: Server, people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, _ = await arrive(bob), await arrive(ada)
    until = wire_time(clock.now() + timedelta(minutes=5))
    await pass_time(clock, server, seconds=11)
    await ada.ask("POST", "/api/presence/custom-status", {"emoji": "☕", "text": "Break", "expiresAt": until})
    assert (await presence_of(bob, ada))["customStatus"] == {"emoji": "☕", "text": "Break", "expiresAt": until}

    await pass_time(clock, server, seconds=300)
    assert (await presence_of(bob, ada))["customStatus"] is None
    await server.service("presence").expire_custom()

    await bobs.settle()
    assert [one["customStatus"] and one["customStatus"]["text"] for one in bobs.events("presence:updated")] == [
        None,
        "Break",
        None,
    ]
    assert await server.service("presence").expire_custom() == 0


async def test_a_status_or_a_line_that_does_not_fit_is_refused_and_changes_nothing(
    door: Door, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)
    past = wire_time(clock.now() - timedelta(seconds=1))
    line = {"emoji": "☕", "text": "Break"}

    for command, given, code in (
        ("presence.update", {"status": "asleep"}, "bad_request"),
        ("presence.update", {"status": "online", "mood": "good"}, "bad_request"),
        ("presence.update", {"status": "busy", "customStatus": {**line, "expiresAt": past}}, "presence.already_over"),
        ("presence.set_custom", {**line, "text": "x" * 101}, "bad_request"),
        ("presence.set_custom", {**line, "emoji": ""}, "bad_request"),
        ("presence.set_custom", {**line, "expiresAt": past}, "presence.already_over"),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(ada, command, given)
        assert refusal.value.code == code, given

    own = await presence_of(ada, ada)
    assert own["customStatus"] is None
    assert own["status"] in {"online", "offline"}
    assert "busy" not in await statuses(bobs)


async def test_friends_are_listed_in_pages(door: Door, people: People) -> None:
    ada, *others = await people("ada", "bob", "cleo", "dan")
    for person in others:
        await befriend(ada, person)
    await arrive(others[0])

    first = await door(ada, "presence.friends", {"limit": 2})
    second = await door(ada, "presence.friends", {"limit": 2, "cursor": first["nextCursor"]})

    listed = [(one["userId"], one["status"]) for page in (first, second) for one in page["presences"]]
    assert listed == [
        (one.id, "online" if one is others[0] else "offline") for one in sorted(others, key=lambda p: p.id)
    ]
    assert (len(first["presences"]), second["nextCursor"]) == (2, None)
