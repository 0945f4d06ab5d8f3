"""The sentences about limits and permissions."""

import pytest

from server.routes import Limit
from server.spec.words import limit, seconds


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (1, "second"),
        (1.5, "1.5 seconds"),
        (90, "90 seconds"),
        (60, "minute"),
        (120, "2 minutes"),
        (3600, "hour"),
        (86_400, "day"),
    ],
)
def test_a_span_is_told_in_its_largest_whole_unit(span: float, expected: str) -> None:
    assert seconds(span) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Limit(5, 60), "At most 5 at once, then one more every minute, for each account."),
        (Limit(5, 0.5), "At most 5 at once, then 2 more each second, for each account."),
        (Limit(9, 1 / 3), "At most 9 at once, then 3 more each second, for each account."),
        (Limit(5, 10, by="address"), "At most 5 at once, then one more every 10 seconds, for each address."),
        (
            Limit(5, 10, by="address", field="email"),
            "At most 5 at once, then one more every 10 seconds, for each value of `email`.",
        ),
        (
            Limit(5, 10, field="conversationId"),
            "At most 5 at once, then one more every 10 seconds, for each account and value of `conversationId`.",
        ),
    ],
)
def test_a_limit_is_a_sentence(given: Limit, expected: str) -> None:
    assert limit(given) == expected
