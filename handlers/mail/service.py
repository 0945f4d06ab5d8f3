"""Sending letters: each goes the way that there is for it."""

from typing import Protocol

from handlers.mail.models import Letter


class Letters(Protocol):
    """Takes letters to where they belong."""

    async def send(self, letter: Letter) -> None:
        """Send one. Raises OSError when it cannot be sent now."""
        ...


class Mail:
    """The way out of this server."""

    def __init__(self, *, files: Letters, mailboxes: Letters | None) -> None:
        """`mailboxes` takes e-mails; without it they become files, as text messages do in any case."""
        self._files = files
        self._mailboxes = mailboxes

    async def send(self, letter: Letter) -> None:
        """Send a letter; returns when it is taken.

        Raises OSError when it cannot be sent now, and Refused (which is one) when another attempt would be in vain.
        """
        way = self._mailboxes if self._mailboxes is not None and letter.channel == "email" else self._files
        await way.send(letter)
