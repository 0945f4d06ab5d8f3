"""Words of a query string become what the input declares, or stay words for the model to refuse."""

from typing import Any

import pytest
from pydantic import Field

from server.edge.query import Reader
from server.models import Coordinates, Input


class Asked(Input):
    name: str | None = None
    limit: int = 10
    radius: float | None = None
    archived: bool = False
    ids: list[str] = Field(default_factory=list)
    location: Coordinates | None = None
    heads: dict[str, int] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("name", "7", "7"),
        ("limit", "7", 7),
        ("limit", "-7", -7),
        ("limit", "7.0", "7.0"),
        ("limit", "seven", "seven"),
        ("limit", "٧", "٧"),
        ("limit", "9" * 30, "9" * 30),
        ("radius", "2.5", 2.5),
        ("radius", "1e3", 1000.0),
        ("radius", "nan", "nan"),
        ("radius", "inf", "inf"),
        ("archived", "true", True),
        ("archived", "false", False),
        ("archived", "yes", "yes"),
        ("ids", "a, b", ["a", "b"]),
        ("ids", "", []),
        ("ids", '["a,b"]', ["a,b"]),
        ("location", "-33.9,18.4", [-33.9, 18.4]),
        ("heads", '{"c":5}', {"c": 5}),
        ("heads", "{", "{"),
        ("unknown", "7", "7"),
    ],
)
def test_a_word_is_read_as_its_field_is_declared(name: str, text: str, value: Any) -> None:
    assert Reader(Asked).read(name, text) == value
