"""How somebody wants to be told: kinds, ways, quiet hours."""

from datetime import UTC, datetime
from typing import Any

import pytest

from handlers.notices.hours import mail_at, quiet_until
from handlers.notices.models import NoticeWishes, QuietHours
from handlers.notices.service import Notices
from tests.conftest import People
from tests.handlers.notices.helpers import notices, wish
from tests.handlers.notices.test_notices import happening
from tests.harness.people import Door, Refusal
from tests.harness.servers import Server

NIGHT = QuietHours(start="22:00", end="07:00")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "zone", "now", "end"),
    [
        (NIGHT, "UTC", "2026-06-01 21:59:59", None),
        (NIGHT, "UTC", "2026-06-01 22:00", "2026-06-02 07:00"),
        (NIGHT, "UTC", "2026-06-02 06:59:59", "2026-06-02 07:00"),
        (NIGHT, "UTC", "2026-06-02 07:00", None),
        (NIGHT, "Africa/Johannesburg", "2026-06-01 20:00", "2026-06-02 05:00"),
        (NIGHT, "Pacific/Auckland", "2026-06-01 10:30", "2026-06-01 19:00"),
        (QuietHours(start="13:00", end="14:00"), "UTC", "2026-06-01 13:30", "2026-06-01 14:00"),
        (QuietHours(start="09:00", end="09:00"), "UTC", "2026-06-01 08:00", "2026-06-01 09:00"),
        # The night in which Berlin's clocks go forward, and the one in which they go back.
        (NIGHT, "Europe/Berlin", "2026-03-28 21:30", "2026-03-29 05:00"),
        (NIGHT, "Europe/Berlin", "2026-10-24 20:30", "2026-10-25 06:00"),
        (None, "UTC", "2026-06-01 23:00", None),
    ],
)
def test_quiet_hours_go_by_the_persons_own_clock(hours: Any, zone: str, now: str, end: str | None) -> None:
    wishes = NoticeWishes(quiet_hours=hours, timezone=zone)

    assert quiet_until(wishes, moment(now)) == (moment(end) if end else None)


@pytest.mark.parametrize(
    ("wishes", "now", "then"),
    [
        (NoticeWishes(digest="immediate"), "2026-06-01 12:34", "2026-06-01 12:34"),
        (NoticeWishes(digest="hourly"), "2026-06-01 12:34", "2026-06-01 13:00"),
        (NoticeWishes(digest="daily", digest_hour=8), "2026-06-01 07:59", "2026-06-01 08:00"),
        (NoticeWishes(digest="daily", digest_hour=8), "2026-06-01 08:00", "2026-06-02 08:00"),
        (NoticeWishes(digest="daily", timezone="Africa/Johannesburg"), "2026-06-01 05:00", "2026-06-01 06:00"),
        (NoticeWishes(digest="immediate", quiet_hours=NIGHT), "2026-06-01 23:00", "2026-06-02 07:00"),
        (NoticeWishes(digest="hourly", quiet_hours=NIGHT), "2026-06-01 21:30", "2026-06-02 07:00"),
        (NoticeWishes(digest="daily", digest_hour=3, quiet_hours=NIGHT), "2026-06-01 12:00", "2026-06-02 07:00"),
    ],
)
def test_a_letter_comes_with_the_next_digest_and_not_at_night(wishes: NoticeWishes, now: str, then: str) -> None:
    assert mail_at(wishes, moment(now)) == moment(then)


async def test_wishes_are_changed_one_by_one(door: Door, people: People) -> None:
    (ada,) = await people("ada")
    before = await door(ada, "notices.preferences")

    await door(ada, "notices.set_preferences", {"kinds": {"groupAdded": {"push": False}}})
    after = await door(
        ada,
        "notices.set_preferences",
        {"quietHours": {"start": "22:00", "end": "07:00"}, "timezone": "Africa/Johannesburg", "digest": "hourly"},
    )

    assert before["kinds"]["groupAdded"] == {"inApp": True, "push": True, "email": True}
    assert (before["quietHours"], before["digest"], before["digestHour"], before["timezone"]) == (
        None,
        "daily",
        8,
        "UTC",
    )
    assert after["kinds"]["groupAdded"] == {"inApp": True, "push": False, "email": True}
    assert after["kinds"]["signIn"] == before["kinds"]["signIn"]
    assert (after["quietHours"], after["digest"]) == ({"start": "22:00", "end": "07:00"}, "hourly")
    assert (await door(ada, "notices.set_preferences", {"quietHours": None}))["quietHours"] is None
    assert (await door(ada, "notices.preferences"))["timezone"] == "Africa/Johannesburg"


@pytest.mark.parametrize(
    "wrong",
    [
        {"quietHours": {"start": "24:00", "end": "07:00"}},
        {"timezone": "Mars/Olympus"},
        {"kinds": {"groupAdded": {"sms": True}}},
        {"kinds": {"birthday": {"push": True}}},
        {"digest": "weekly"},
    ],
)
async def test_wishes_that_cannot_be_are_refused(door: Door, people: People, wrong: Any) -> None:
    (ada,) = await people("ada")
    before = await door(ada, "notices.preferences")

    with pytest.raises(Refusal) as refusal:
        await door(ada, "notices.set_preferences", wrong)

    assert refusal.value.code == "bad_request"
    assert await door(ada, "notices.preferences") == before


async def test_each_way_can_be_closed_by_itself(server: Server, people: People) -> None:
    (ada,) = await people("ada")
    service: Notices = server.service("notices")
    pushed: list[str] = []
    _watch(service, pushed)
    socket = await ada.socket()

    for n, ways in enumerate(
        (
            {"inApp": False},
            {"inApp": True, "push": False},
            {"push": True, "email": False},
            {"inApp": False, "push": False},
        )
    ):
        await wish(ada, kinds={"groupAdded": ways})
        await service.tell(happening(ada, str(n), name=str(n)))

    await socket.settle()
    assert [one["subject"]["name"] for one in await notices(ada)] == ["2", "1"]
    assert [one["notice"]["subject"]["name"] for one in socket.events("notice:new")] == ["1", "2"]
    assert pushed == ["0", "2"]
    mailed = await server.app.mongo.collection("notices").find({"mail": True}, sort=[("position", 1)], limit=9)
    assert [one["subject"]["name"] for one in mailed] == ["0", "1"]


async def test_in_quiet_hours_the_list_grows_in_silence(server: Server, people: People) -> None:
    (ada,) = await people("ada")
    service: Notices = server.service("notices")
    pushed: list[str] = []
    _watch(service, pushed)
    await wish(ada, quietHours={"start": "00:00", "end": "00:00"})
    socket = await ada.socket()

    await service.tell(happening(ada, "1", name="quiet"))

    assert (await socket.next("notice:new"))["silent"] is True
    assert pushed == []
    assert [one["subject"]["name"] for one in await notices(ada)] == ["quiet"]


def _watch(service: Notices, pushed: list[str]) -> None:
    tell = service._publish

    async def publish(event: Any) -> None:
        if event.name == "notice:push":
            pushed.append(event.payload.notice.subject.name)
        await tell(event)

    service._publish = publish
