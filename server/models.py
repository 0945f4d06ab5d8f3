"""The base of every model on the wire: camelCase names, unknown fields refused, types taken literally.

No tuples, sets or enums in what comes in: JSON has lists and strings, and strict validation would refuse them. Use
`list` with a length, and `Literal`.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)
from pydantic.alias_generators import to_camel

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


class Wire(BaseModel):
    """What crosses the wire in either direction."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        strict=True,
        frozen=True,
        use_attribute_docstrings=True,
        ser_json_inf_nan="null",
        allow_inf_nan=False,
    )


class Input(Wire):
    """What comes in: the parameters of a command."""


class Output(Wire):
    """What goes out: the result of a command, the payload of an event."""

    model_config = ConfigDict(extra="ignore")


class Nothing(Input):
    """A command that needs no parameters."""


def _instant(value: Any) -> Any:
    if isinstance(value, str):
        if not _RFC3339.fullmatch(value):
            raise ValueError("must be a time as of RFC 3339, such as 2026-11-24T10:30:00.000Z")
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError("must be a time as of RFC 3339, such as 2026-11-24T10:30:00.000Z") from error
    return value


def _utc(value: datetime) -> datetime:
    if value.tzinfo is UTC and not value.microsecond % 1000:
        return value
    if value.tzinfo is None:
        raise ValueError("must name its time zone")
    try:
        whole = value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of range") from error
    return whole.replace(microsecond=whole.microsecond // 1000 * 1000)


@lru_cache(1_000)
def wire_time(value: datetime) -> str:
    """A time as it goes over the wire: RFC 3339, UTC, milliseconds."""
    whole = value if value.tzinfo is UTC else value.astimezone(UTC)
    return whole.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    AfterValidator(_utc),
    PlainSerializer(wire_time, return_type=str, when_used="json"),
    Field(json_schema_extra={"format": "date-time", "examples": ["2026-11-24T10:30:00.000Z"]}),
]
"""A moment, in UTC and whole milliseconds."""

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

Id = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
"""An id: a UUID in lower case."""


Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""Any text that can be stored and shown: no NUL, and (as with every constrained string) no half characters.

It is a constraint, not a validator of its own, so that lengths and `strip_whitespace` added to it hold together.
"""

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


def _coordinates(value: list[float]) -> list[float]:
    if not (-90 <= value[0] <= 90 and -180 <= value[1] <= 180):
        raise ValueError("must be [latitude, longitude] within ±90 and ±180 degrees")
    return value


Coordinates = Annotated[list[float], Field(min_length=2, max_length=2), AfterValidator(_coordinates)]
"""A place as [latitude, longitude] in degrees. Storage turns it round (GeoJSON), in one place."""
