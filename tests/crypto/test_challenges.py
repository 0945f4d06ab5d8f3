"""Challenges that carry their own proof."""

from datetime import UTC, datetime

import pytest

from crypto.challenges import Challenge, NoChallenge

KEY = bytes(range(32))
UNTIL = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_a_challenge_comes_back_as_it_was() -> None:
    given = Challenge.make("passkey-new", "01999999-0000-7000-8000-000000000001", UNTIL)

    assert Challenge.read(given.write(KEY), KEY) == given
    assert given.nonce != Challenge.make("passkey-new", given.subject, UNTIL).nonce


def test_no_other_text_is_a_challenge() -> None:
    text = Challenge.make("work", "18-abc", UNTIL).write(KEY)
    with pytest.raises(NoChallenge):
        Challenge.read(text, bytes(32))

    for at, char in enumerate(text):
        other = "A" if char != "A" else "B"
        for broken in (text[:at] + other + text[at + 1 :], text[:at], text[:at] + text[at + 1 :]):
            with pytest.raises(NoChallenge):
                Challenge.read(broken, KEY)
    for broken in ("", f"{text}\n", f" {text}", f"{text}.", text.upper(), "x" * 10_000):
        with pytest.raises(NoChallenge):
            Challenge.read(broken, KEY)
