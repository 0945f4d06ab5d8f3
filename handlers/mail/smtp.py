"""The way to the mail server: the one place that speaks SMTP."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from handlers.mail.models import Letter, Refused
from handlers.mail.settings import MailSettings


class SmtpLetters:
    """Gives letters to a mail server, each over a connection of its own, in a thread; only so many at once."""

    def __init__(self, settings: MailSettings) -> None:
        if settings.smtp_host is None:
            raise ValueError("there is no mail server without smtp_host")
        self._host = settings.smtp_host
        self._settings = settings
        self._free = asyncio.Semaphore(settings.smtp_at_once)

    async def send(self, letter: Letter) -> None:
        """Send one; returns when the mail server has taken it.

        Raises OSError when it cannot be sent now, Refused when another attempt would be in vain.
        """
        async with self._free:
            try:
                await asyncio.to_thread(self._send, letter)
            except smtplib.SMTPException as error:
                if _is_final(error):
                    raise Refused(str(error)) from error
                raise

    async def probe(self) -> None:
        """See that the mail server is there and lets us in; nothing is sent. Raises OSError."""
        await asyncio.to_thread(self._greet)

    def _send(self, letter: Letter) -> None:
        message = self._message(letter)
        with self._connected() as server:
            server.send_message(message)

    def _greet(self) -> None:
        with self._connected() as server:
            server.noop()

    def _connected(self) -> smtplib.SMTP:
        """A connection that is as safe as the settings say, logged in."""
        chosen, safe = self._settings, ssl.create_default_context()
        if chosen.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, chosen.smtp_port, timeout=chosen.smtp_seconds, context=safe
            )
        else:
            server = smtplib.SMTP(self._host, chosen.smtp_port, timeout=chosen.smtp_seconds)
        try:
            if chosen.smtp_security == "starttls":
                server.starttls(context=safe)
            if chosen.smtp_user is not None and chosen.smtp_password is not None:
                server.login(chosen.smtp_user, chosen.smtp_password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._settings.smtp_from
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(letter.at)
        # The same letter, sent again because the answer got lost, is known by its id.
        message["Message-ID"] = f"<{letter.id}@mixee>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message


def _is_final(error: smtplib.SMTPException) -> bool:
    """Whether the mail server said that it will never take this letter; a password that it refuses may be mended."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused) and error.smtp_code >= 500
