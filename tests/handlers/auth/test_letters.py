"""Letters as files."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from handlers.auth.service import Post
from handlers.auth.service import post as module
from handlers.mail.models import Letter
from handlers.mail.store import FileLetters
from server.errors import Overloaded
from tests.harness.clock import TurnableClock

LETTER = Letter(
    id="01999999-0000-7000-8000-000000000001",
    channel="email",
    to="ada@example.com",
    subject="Hello",
    text="Dear Ada",
    at=datetime(2026, 11, 24, 12, 0, tzinfo=UTC),
)


def written(folder: Path) -> list[Any]:
    return [orjson.loads(file.read_bytes()) for file in sorted(folder.iterdir())]


class Nowhere:
    """A way out that is closed."""

    async def send(self, letter: Letter) -> None:
        raise OSError(f"nobody takes {letter.id}")


async def test_a_letter_is_a_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    await FileLetters(tmp_path / "outbox").send(LETTER)

    (file,) = (tmp_path / "outbox").iterdir()
    assert file.name == f"{LETTER.id}.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "outbox").stat().st_mode) == 0o700
    assert orjson.loads(file.read_bytes()) == {
        "id": LETTER.id,
        "channel": "email",
        "to": "ada@example.com",
        "subject": "Hello",
        "text": "Dear Ada",
        "at": "2026-11-24T12:00:00.000Z",
    }


async def test_a_letter_carries_a_link_when_the_apps_address_is_known(tmp_path: Path) -> None:
    post = Post(FileLetters(tmp_path), TurnableClock(), app_url="https://app.example.com/")

    post.later(post.email_proof("ada@example.com", "s" * 43))
    await post.settle()

    (letter,) = written(tmp_path)
    assert f"https://app.example.com/verify-email?token={'s' * 43}\n" in letter["text"]


async def test_a_letter_that_cannot_be_sent_is_logged_without_its_text(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", ())
    post = Post(Nowhere(), TurnableClock(), app_url=None)

    post.later(post.reset("ada@example.com", "s" * 43))
    await post.settle()

    assert [record.message for record in caplog.records] == ["a letter was not sent"]
    assert "s" * 43 not in caplog.text


async def test_only_so_many_letters_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    post = Post(FileLetters(tmp_path), TurnableClock(), app_url=None)
    for _ in range(2):
        post.later(post.reset("ada@example.com", "s" * 43))

    with pytest.raises(Overloaded) as refused:
        post.later(post.reset("ada@example.com", "s" * 43))

    assert refused.value.retry_after_ms == 60_000
    await post.settle()
    assert len(written(tmp_path)) == 2
