"""T-UNREAD in short: a few stories of the ten thousand that `make properties` plays."""

import asyncio
import secrets

import pytest

from tests.properties.place import Place
from tests.properties.unread import Unread, stories

SEEDS = (4, 7)
"""Two that have most of the deeds in them."""
STEPS = 24


@pytest.mark.timeout(300)
def test_r25_everybody_always_knows_the_same_about_what_is_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIXEE_AUTH_ACCESS_SECONDS", "86400")
    monkeypatch.setenv("MIXEE_PUSH_ACK_SECONDS", "0")
    monkeypatch.setenv("MIXEE_PUSH_AT_ONCE", "2")
    with asyncio.Runner(debug=False) as runner:  # thousands of steps, which debugging makes three times as slow
        loop = runner.get_loop()
        place = runner.run(Place.open(f"stories_{secrets.token_hex(6)}"))
        monkeypatch.setattr(Unread, "loop", loop, raising=False)
        monkeypatch.setattr(Unread, "place", place, raising=False)
        try:
            for seed in SEEDS:
                stories(seed, steps=STEPS)
        finally:
            runner.run(place.close())
