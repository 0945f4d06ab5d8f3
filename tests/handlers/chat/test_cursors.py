"""Cursors: exact to the millisecond, and nothing but what was handed out."""

from datetime import UTC, datetime, timedelta

import pytest

from handlers.chat.cursors import read_cursor, write_cursor


def test_a_cursor_names_its_place_exactly() -> None:
    start = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)

    for milliseconds in range(1_000):
        at = start + timedelta(milliseconds=milliseconds)
        assert read_cursor(write_cursor(at, "key")) == (at, "key")


@pytest.mark.parametrize("text", ["", ".", "1", "1.", "x.key", "-1.key", "1e3.key", "٣.key", "123456789012345.key"])
def test_everything_else_is_no_cursor(text: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        read_cursor(text)
