"""Notices reach devices that are asleep, as their person wants it, and are taken back when they are read."""

from collections.abc import Sequence
from typing import Any

from tests.conftest import People
from tests.handlers.notices.helpers import notices, settled, wish
from tests.handlers.push.endpoints import Service
from tests.handlers.push.test_pushing import idle, opened, subscribe
from tests.handlers.social.helpers import ask
from tests.harness.clock import TurnableClock
from tests.harness.people import Person


async def asked(person: Person, *others: Person) -> None:
    """These ask to be friends, and whatever is to be pushed of it has been."""
    for one in others:
        await ask(one, person)
        await settled(person.server)
    await idle(person)


def said(told: Sequence[Any]) -> list[tuple[str, int, int]]:
    """What was told: the text, how many notices are unread, the badge."""
    return [(one["body"], one["unread"], one["badge"]) for one in told]


async def test_a_notice_is_pushed_once_and_again_when_something_joins_it(pushing: Service, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    browser = await subscribe(ada, pushing, notices=True)

    await asked(ada, bob)
    await asked(ada, cleo)

    (notice,) = await notices(ada)
    told = opened(pushing, browser)
    assert said(told) == [("Bob asks to be friends.", 1, 0), ("Cleo and Bob ask to be friends.", 1, 0)]
    assert {one["noticeId"] for one in told} == {notice["id"]}
    assert [one["title"] for one in told] == ["Mixee", "Mixee"]
    first, second = (one.headers["topic"] for one in pushing.requests)
    assert first == second


async def test_what_was_pushed_is_taken_back_when_it_is_read_elsewhere(pushing: Service, people: People) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(ada, pushing, notices=True)
    await asked(ada, bob)
    (notice,) = await notices(ada)

    await ada.ask("POST", f"/api/notices/{notice['id']}/read")
    await settled(ada.server)
    await idle(ada)

    assert opened(pushing, browser)[1:] == [{"badge": 0, "clear": [f"notice:{notice['id']}"]}]


async def test_nobody_is_pushed_who_does_not_want_it_or_sleeps_or_is_told_anyway(
    pushing: Service, people: People, clock: TurnableClock
) -> None:
    ada, bob, cleo, dan = await people("ada", "bob", "cleo", "dan")
    browsers = {one.name: await subscribe(one, pushing, one.name, notices=True) for one in (ada, bob, cleo)}
    await wish(ada, kinds={"friendRequest": {"push": False}})
    await wish(bob, quietHours={"start": "00:00", "end": "00:00"})
    socket = await cleo.socket(device=None)

    for one in (ada, bob, cleo):
        await asked(one, dan)

    assert (await socket.next("notice:new"))["notice"]["kind"] == "friend_request"
    assert [opened(pushing, browser, name) for name, browser in browsers.items()] == [[], [], []]


async def test_quiet_hours_that_began_meanwhile_hold_what_waits(pushing: Service, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await ask(bob, ada)
    await settled(ada.server)
    browser = await subscribe(ada, pushing, notices=True)
    (notice,) = await notices(ada)
    service = ada.server.service("notices")

    before = await service.to_push(ada.id, notice["id"])
    await wish(ada, quietHours={"start": "00:00", "end": "00:00"})
    after = await service.to_push(ada.id, notice["id"])

    assert (before.quiet, before.text, before.in_app) == (False, "Bob asks to be friends.", True)
    assert after.quiet
    assert await service.to_push(bob.id, notice["id"]) is None
    assert opened(pushing, browser) == []
