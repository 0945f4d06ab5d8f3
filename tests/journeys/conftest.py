"""What the stories share."""

import pytest


@pytest.fixture
def eager_presence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that start from now on tell presence at once, without a grace."""
    monkeypatch.setenv("MIXEE_PRESENCE_GRACE_SECONDS", "0")
    monkeypatch.setenv("MIXEE_PRESENCE_QUIET_SECONDS", "0")
    monkeypatch.setenv("MIXEE_PRESENCE_BUSY_SECONDS", "0")
