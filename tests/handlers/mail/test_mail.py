"""Letters of sign-in go to a real mail server once one is set; without one they are files that can be read."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handlers.auth.service import Post
from handlers.auth.service import post as module
from handlers.mail.models import Letter
from handlers.mail.service import Mail
from handlers.mail.settings import MailSettings
from handlers.mail.smtp import SmtpLetters
from handlers.mail.store import FileLetters, newest
from run import main
from tests.conftest import Cluster, People
from tests.harness.clock import TurnableClock
from tests.harness.mail import Mailbox
from tests.harness.servers import Server, until

SECRET = re.compile(r"^[A-Za-z0-9_-]{43}(?=\r?$)", re.MULTILINE)
NEW_PASSWORD = "Another-Horse-8"


@pytest.fixture
async def mailing(cluster: Cluster, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that sends its letters there."""
    monkeypatch.setenv("MIXEE_MAIL_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("MIXEE_MAIL_SMTP_PORT", str(box.port))
    monkeypatch.setenv("MIXEE_MAIL_SMTP_SECURITY", "none")
    return await cluster()


def posting(box: Mailbox, folder: Path) -> Post:
    """Sign-in's letters on their way to that mail server."""
    settings = MailSettings(smtp_host="127.0.0.1", smtp_port=box.port, smtp_security="none")
    return Post(Mail(files=FileLetters(folder), mailboxes=SmtpLetters(settings)), TurnableClock(), app_url=None)


async def test_the_letters_of_sign_in_reach_a_mailbox_and_their_secrets_work(
    mailing: Server, box: Mailbox, people: People, tmp_path: Path
) -> None:
    (ada,) = await people("ada", at=mailing)
    address = ada.user["email"]
    await mailing.service("auth").settle()
    await ada.ask("POST", "/api/auth/forgot-password", {"email": address})
    await mailing.service("auth").settle()

    confirm, reset = box.letters
    assert [(one["To"], one["Subject"]) for one in box.letters] == [
        (address, "Confirm your e-mail address"),
        (address, "Set a new password"),
    ]
    proof, secret = (SECRET.findall(one.get_content())[0] for one in (confirm, reset))
    assert await ada.ask("POST", "/api/auth/verify-email", {"token": proof}) == {"verified": True}
    await ada.ask("POST", "/api/auth/reset-password", {"token": secret, "password": NEW_PASSWORD})
    login = await ada.ask("POST", "/api/auth/login", {"username": "ada", "password": NEW_PASSWORD})
    assert login["user"]["id"] == ada.id
    assert [one for one in newest(tmp_path, 9) if one.channel == "email" and "Confirm" in one.subject] == []


async def test_text_messages_stay_files(mailing: Server, box: Mailbox, people: People, tmp_path: Path) -> None:
    (ada,) = await people("ada", at=mailing)

    await ada.ask("POST", "/api/auth/verify-phone/send", {"phone": "+27215550101"})
    await mailing.service("auth").settle()

    assert [(one.channel, one.to) for one in newest(tmp_path, 9)] == [("sms", "+27215550101")]
    assert [one["Subject"] for one in box.letters] == ["Confirm your e-mail address"]


async def test_a_letter_that_is_not_taken_now_is_tried_again(
    box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", (0.01, 60.0))
    post = posting(box, tmp_path)
    box.answer = "451 come back later"

    post.later(post.reset("ada@example.com", "s" * 43))
    await until(lambda: sum("not taken" in one.message for one in caplog.records) == 2)
    box.answer = None
    await post.close()  # a server that stops tries once more, at once

    assert [one["To"] for one in box.letters] == ["ada@example.com"]
    assert "s" * 43 not in caplog.text


async def test_a_letter_that_will_never_be_taken_is_not_tried_again(
    box: Mailbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    post = posting(box, tmp_path)
    box.answer = "550 no such mailbox"

    post.later(post.reset("ada@example.com", "s" * 43))
    await post.settle()

    assert [one.message for one in caplog.records if "letter" in one.message] == ["a letter was not sent"]


async def test_letters_in_files_are_shown_with_the_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = FileLetters(tmp_path / "outbox")
    at = datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC)
    for number in (2, 3, 1):
        then, text = at.replace(minute=number), "Dear Ada,\n\nhello.\n"
        await letters.send(Letter(f"id-{number}", "email", "ada@example.com", f"Letter {number}", text, then))
    await letters.send(Letter("id-4", "sms", "+27215550101", "", "123456 is your code.", at))
    (tmp_path / "outbox" / "other.json").write_text("{}")
    monkeypatch.chdir(tmp_path)

    status = main(["outbox", "--data-dir", str(tmp_path), "--limit", "2"])
    shown = capsys.readouterr().out
    main(["outbox", "--data-dir", str(tmp_path)])
    everything = capsys.readouterr().out
    main(["outbox", "--data-dir", str(tmp_path / "none")])

    assert status == 0
    assert shown.splitlines() == [
        "2026-11-24 12:03:05 UTC  email to ada@example.com",
        "  Letter 3",
        "    Dear Ada,",
        "",
        "    hello.",
        "",
        "2026-11-24 12:02:05 UTC  email to ada@example.com",
        "  Letter 2",
        "    Dear Ada,",
        "",
        "    hello.",
        "",
    ]
    assert everything.endswith("2026-11-24 12:00:05 UTC  sms to +27215550101\n    123456 is your code.\n\n")
    assert capsys.readouterr().out == f"There are no letters below {tmp_path / 'none'}.\n"
