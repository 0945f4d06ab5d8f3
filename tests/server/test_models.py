"""What the wire's types take and what they refuse."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from server.models import Coordinates, Id, Input, Instant, Text, wire_time


class Letter(Input):
    from_user: Id
    body: Text
    sent_at: Instant | None = None
    place: Coordinates | None = None


GOOD = {"fromUser": "01890a5d-ac96-774b-bcce-b302099a8057", "body": "hé"}


def test_names_on_the_wire_are_camel_case() -> None:
    letter = Letter.model_validate(GOOD)

    assert letter.from_user == GOOD["fromUser"]
    assert letter.model_dump(by_alias=True, exclude_none=True) == GOOD


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"extra": 1}, "extra"),
        ({"body": 7}, "body"),
        ({"body": "a\x00b"}, "body"),
        ({"body": "\ud800"}, "body"),
        ({"fromUser": "ada"}, "fromUser"),
        ({"fromUser": GOOD["fromUser"].upper()}, "fromUser"),
        ({"sentAt": "yesterday"}, "sentAt"),
        ({"sentAt": "2026-11-24T10:30:00"}, "sentAt"),
        ({"sentAt": 1700000000}, "sentAt"),
        ({"sentAt": "2026-13-24T10:30:00Z"}, "sentAt"),
        ({"place": [91.0, 0.0]}, "place"),
        ({"place": [0.0, 181.0]}, "place"),
        ({"place": [0.0]}, "place"),
        ({"place": [float("nan"), 0.0]}, "place.0"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Letter.model_validate(GOOD | change)

    assert ".".join(str(part) for part in refused.value.errors()[0]["loc"]) == field


def test_a_time_is_told_in_utc_and_whole_milliseconds() -> None:
    read = TypeAdapter(Instant).validate_python("2026-11-24T12:30:00.123456+02:00")

    assert read == datetime(2026, 11, 24, 10, 30, 0, 123000, tzinfo=UTC)
    assert wire_time(read) == "2026-11-24T10:30:00.123Z"
    assert TypeAdapter(Instant).dump_json(read) == b'"2026-11-24T10:30:00.123Z"'


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ValidationError, match="fromUser"):
        Letter.model_validate({"body": "x"})
