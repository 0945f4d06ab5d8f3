"""The way to the mail server: the one place that speaks SMTP."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from handlers.auth.letters import Letter
from handlers.notices.settings import NoticesSettings


class SmtpLetters:
    """Gives letters to a mail server, each over a connection of its own, in a thread."""

    def __init__(self, settings: NoticesSettings) -> None:
        if settings.smtp_host is None:
            raise ValueError("there is no mail server without smtp_host")
        self._host = settings.smtp_host
        self._settings = settings

    async def send(self, letter: Letter) -> None:
        """Send one; returns when the mail server has taken it. Raises OSError when it cannot be sent now."""
        await asyncio.to_thread(self._send, letter)

    def _send(self, letter: Letter) -> None:
        chosen, message = self._settings, self._message(letter)
        safe = ssl.create_default_context()
        if chosen.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, chosen.smtp_port, timeout=chosen.smtp_seconds, context=safe
            )
        else:
            server = smtplib.SMTP(self._host, chosen.smtp_port, timeout=chosen.smtp_seconds)
        with server:
            if chosen.smtp_security == "starttls":
                server.starttls(context=safe)
            if chosen.smtp_user is not None and chosen.smtp_password is not None:
                server.login(chosen.smtp_user, chosen.smtp_password.get_secret_value())
            server.send_message(message)

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
