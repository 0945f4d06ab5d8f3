"""The pure rules: from devices and choices to a status, and what is news."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handlers.presence.models import CustomStatus, Device, Live, Record
from handlers.presence.status import Rules, bucket, digest, kind_of, milliseconds, neutral, presence_of, public
from handlers.presence.store import PRESENCE
from storage.mongo import Mongo
from tests.handlers.social.test_ties import indexed

USER = "01890a5d-ac96-774b-bcce-b302099a8057"
NOW = datetime(2026, 11, 24, 12, 34, 56, 789000, tzinfo=UTC)


MS = milliseconds(NOW)
RULES = Rules(grace=30_000, idle=300_000, busy=3_600_000)


def device(state: Any = "online", kind: Any = "web", ago: int = 1, app: Any = "foreground") -> Device:
    return Device("node", f"{state}-{ago}", "device", kind, state, MS - ago, app)


@pytest.mark.parametrize(
    ("devices", "choice", "own", "seen"),
    [
        ([], None, "offline", "offline"),
        ([], "busy", "offline", "offline"),
        ([device("away")], None, "away", "away"),
        ([device("away"), device("online")], None, "online", "online"),
        ([device("away")], "busy", "busy", "busy"),
        ([device("online")], "invisible", "invisible", "offline"),
        ([device(app="background")], None, "away", "away"),
        ([device(ago=300_000)], None, "away", "away"),
        ([device(ago=299_999)], None, "online", "online"),
        ([device(app="background"), device(ago=300_000), device()], None, "online", "online"),
    ],
)
def test_r31_busy_goes_before_online_before_away_before_offline(
    devices: list[Device], choice: Any, own: str, seen: str
) -> None:
    status = RULES.status(Live(devices), Record(choice), MS)

    assert (status, public(status)) == (own, seen)


def test_no_devices_mean_nothing_while_redis_is_being_filled() -> None:
    assert RULES.status(Live([], sure=False), Record(), MS) == "unknown"
    assert RULES.status(Live([device()], sure=False), Record(), MS) == "online"


@pytest.mark.parametrize(
    ("ago", "choice", "status", "again"),
    [
        (29_999, None, "online", 1),
        (30_000, None, "offline", None),
        (29_999, "busy", "busy", 1),
        (30_000, "busy", "busy", 3_570_000),
        (3_599_999, "busy", "busy", 1),
        (3_600_000, "busy", "offline", None),
        (29_999, "invisible", "invisible", 1),
        (30_000, "invisible", "offline", None),
    ],
)
def test_r31_whoever_left_is_here_for_thirty_seconds_and_busy_for_an_hour(
    ago: int, choice: Any, status: str, again: int | None
) -> None:
    live = Live(gone=MS - ago, last=device())

    assert RULES.status(live, Record(choice), MS) == status
    assert RULES.changes_at(live, Record(choice), MS) == (None if again is None else MS + again)


def test_nothing_changes_within_the_grace_period() -> None:
    live = Live(gone=MS - 20_000, last=device(ago=310_000))

    assert RULES.status(live, Record(), MS) == "online"
    assert RULES.changes_at(live, Record(), MS) == MS + 10_000


def test_a_status_changes_by_itself_when_the_device_used_last_becomes_idle() -> None:
    used = [device(ago=100_000), device(ago=200_000), device("away", ago=5), device(app="background", ago=5)]

    assert RULES.changes_at(Live(used), Record(), MS) == MS + 200_000
    assert RULES.changes_at(Live(used), Record("busy"), MS) is None
    assert RULES.changes_at(Live([device("away")]), Record(), MS) is None


@pytest.mark.parametrize(
    ("days", "roughly"),
    [(0, "recently"), (3, "recently"), (4, "week"), (7, "week"), (8, "month"), (30, "month"), (31, "long_ago")],
)
def test_whoever_may_not_know_more_learns_roughly_when_it_was(days: int, roughly: str) -> None:
    assert bucket(NOW - timedelta(days=days), NOW) == roughly
    assert bucket(None, NOW) == "long_ago"


def test_the_current_device_is_the_one_used_last_active_ones_first() -> None:
    assert RULES.current([], MS) is None
    assert (
        RULES.current([device("away", "mobile", 1), device("online", "web", 9), device("online", "desktop", 2)], MS)
        == "desktop"
    )


@pytest.mark.parametrize(
    ("device_id", "user_agent", "kind"),
    [
        ("ios-4711", "", "mobile"),
        ("0f3c", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15", "mobile"),
        ("0f3c", "okhttp/4.12.0", "mobile"),
        ("desktop-1", "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0", "desktop"),
        ("0f3c", "Mozilla/5.0 (Macintosh) Chrome/130.0 Electron/33.0", "desktop"),
        ("0f3c", "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "web"),
        ("curiosity", "", "web"),
    ],
)
def test_a_device_says_what_it_is_by_its_name_or_by_its_client(device_id: str, user_agent: str, kind: str) -> None:
    assert kind_of(device_id, user_agent) == kind


def test_a_presence_says_the_minute_and_a_line_only_as_long_as_it_lasts() -> None:
    line = CustomStatus(emoji="☕", text="Break", expires_at=NOW)
    seen = NOW - timedelta(hours=3)

    here = presence_of(USER, Live([device()]), Record(custom=line, last_seen_at=seen), NOW, RULES, own=False)
    gone = presence_of(
        USER, Live(), Record(custom=line, last_seen_at=seen), NOW - timedelta(seconds=1), RULES, own=False
    )

    assert here.last_seen_at == datetime(2026, 11, 24, 12, 34, tzinfo=UTC)
    assert here.custom_status is None
    assert gone.last_seen_at == datetime(2026, 11, 24, 9, 34, tzinfo=UTC)
    assert gone.custom_status == line


def test_news_are_the_status_and_the_line_and_nothing_of_who_is_offline() -> None:
    line = CustomStatus(emoji="☕", text="Break")
    phone, laptop = (Live([device(kind=kind)]) for kind in ("mobile", "desktop"))

    def news(live: Live, record: Record) -> str:
        return digest(presence_of(USER, live, record, NOW, RULES, own=False))

    assert news(phone, Record()) == news(laptop, Record()) == "online"
    assert news(phone, Record(custom=line)) != news(phone, Record())
    for silent in (news(Live(), Record(custom=line)), news(phone, Record("invisible", line)), digest(neutral(USER))):
        assert silent == "offline"


async def test_lines_that_are_over_are_found_by_an_index(mongo: Mongo) -> None:
    await mongo.collection("presence").create_indexes(PRESENCE)

    await indexed(mongo, "presence", {"customStatus.expiresAt": {"$lte": NOW}}, [("customStatus.expiresAt", 1)])
    await indexed(mongo, "presence", {"_id": {"$in": ["a", "b"]}})
