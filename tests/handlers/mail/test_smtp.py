"""The connection to a mail server: as safe as the settings say, or none."""

import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from handlers.mail.models import Letter, Refused
from handlers.mail.settings import MailSettings
from handlers.mail.smtp import SmtpLetters
from tests.harness.mail import Mailbox, mail_server

LETTER = Letter("1", "email", "ada@example.com", "Subject", "Text ü\n", datetime(2026, 11, 24, 12, tzinfo=UTC))


def settings(box: Mailbox, **more: object) -> MailSettings:
    return MailSettings.model_validate({"smtp_host": "127.0.0.1", "smtp_port": box.port, **more})


async def test_a_letter_does_not_go_over_an_unsafe_connection_unless_that_is_wanted(box: Mailbox) -> None:
    with pytest.raises(OSError, match="STARTTLS"):
        await SmtpLetters(settings(box)).send(LETTER)
    assert box.letters == []

    await SmtpLetters(settings(box, smtp_security="none")).send(LETTER)

    assert (box.letters[0].get_content().strip(), box.letters[0]["Message-ID"]) == ("Text ü", "<1@mixee>")


async def test_a_mailbox_that_is_none_is_told_from_one_that_is_busy(box: Mailbox) -> None:
    letters = SmtpLetters(settings(box, smtp_security="none"))

    box.answer = "550 no such mailbox"
    with pytest.raises(Refused):
        await letters.send(LETTER)
    box.answer = "451 come back later"
    with pytest.raises(OSError, match="come back") as later:
        await letters.send(LETTER)

    assert not isinstance(later.value, Refused)


async def test_a_look_at_the_mail_server_sends_nothing(box: Mailbox) -> None:
    await SmtpLetters(settings(box, smtp_security="none")).probe()
    with socket.create_server(("127.0.0.1", 0)) as one:
        box.port = one.getsockname()[1]
    with pytest.raises(OSError, match="refused"):
        await SmtpLetters(settings(box, smtp_security="none")).probe()

    assert box.letters == []


def test_a_name_goes_with_a_password() -> None:
    with pytest.raises(ValueError, match="go together"):
        MailSettings.model_validate({"smtp_user": "mixee"})


async def test_a_letter_goes_over_starttls_with_name_and_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    async with mail_server(tls) as box:
        secret = {"smtp_user": "mixee", "smtp_password": "secret of mail"}
        with pytest.raises(OSError, match="certificate"):
            await SmtpLetters(settings(box, **secret)).send(LETTER)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await SmtpLetters(settings(box, **secret)).send(LETTER)

    assert box.logins == [("mixee", "secret of mail")]
    assert [one["To"] for one in box.letters] == ["ada@example.com"]


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path
