"""Writes letters and sends them after the answer, which so neither waits for them nor tells of them.

One that is not taken is tried again for a few minutes, in memory alone: what it carries opens an account, so it is
written down nowhere. Whoever waits in vain asks for another.
"""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from crypto.ids import new_id
from handlers.mail.models import Channel, Letter, Refused
from handlers.mail.service import Letters
from server.clock import Clock
from server.errors import Overloaded

log = logging.getLogger("mixee.auth.post")

MAX_WAITING = 1000
AGAIN_SECONDS = (5.0, 30.0, 120.0)
"""Before the second attempt at a letter, the third and the fourth, which is the last."""


class Post:
    """Sends letters in tasks of its own, at most a thousand at a time."""

    def __init__(self, letters: Letters, clock: Clock, *, app_url: str | None) -> None:
        self._letters = letters
        self._clock = clock
        self._app_url = (app_url or "").rstrip("/")
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do work that ends in a letter, after the answer. Raises Overloaded when too much waits."""
        if len(self._tasks) >= MAX_WAITING:
            work.close()
            raise Overloaded("Too many letters are waiting: try again in a minute.", retry_after_ms=60_000)
        task = asyncio.get_running_loop().create_task(self._guarded(work), name="letter")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until everything asked for so far is sent or has failed."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Send what waits, at once and for the last time."""
        self._closing.set()
        await self.settle()

    async def email_proof(self, to: str, secret: str) -> None:
        """The letter that verifies an e-mail address."""
        text = f"Welcome to Mixee! Confirm that this address is yours:\n\n{self._link('verify-email', secret)}\n"
        await self._send("email", to, "Confirm your e-mail address", text)

    async def new_email(self, to: str, secret: str) -> None:
        """The letter to an address that is to become an account's."""
        text = f"Confirm that this is to be the address of your account:\n\n{self._link('confirm-email', secret)}\n"
        await self._send("email", to, "Confirm your new e-mail address", text)

    async def reset(self, to: str, secret: str) -> None:
        """The letter that lets somebody set a new password."""
        text = (
            f"Somebody asked for a new password for your account. If it was you:\n\n"
            f"{self._link('reset-password', secret)}\n\nIf not, do nothing.\n"
        )
        await self._send("email", to, "Set a new password", text)

    async def phone_code(self, to: str, code: str) -> None:
        """The text message that verifies a telephone number."""
        await self._send("sms", to, "", f"{code} is your Mixee code. Tell it to nobody.")

    async def news(self, to: str, subject: str, text: str) -> None:
        """The letter that tells somebody of a change to his account."""
        more = "If that was not you, set a new password at once, and end the sessions that you do not know."
        await self._send("email", to, subject, f"{text}\n\n{more}\n")

    def news_later(self, to: str, subject: str, text: str) -> None:
        """The same after the answer; the change stands also if that cannot be."""
        try:
            self.later(self.news(to, subject, text))
        except Overloaded:
            log.warning("too many letters wait: somebody is not told of a change to the account")

    def _link(self, page: str, secret: str) -> str:
        return f"{self._app_url}/{page}?token={secret}" if self._app_url else secret

    async def _send(self, channel: Channel, to: str, subject: str, text: str) -> None:
        letter = Letter(id=new_id(), channel=channel, to=to, subject=subject, text=text, at=self._clock.now())
        for seconds in AGAIN_SECONDS:
            try:
                await self._letters.send(letter)
            except Refused:
                raise
            except OSError as error:
                if self._closing.is_set():
                    raise
                log.warning("a letter was not taken, again in %.0f s: %s", seconds, error)
                await self._pause(seconds)
            else:
                return
        await self._letters.send(letter)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            log.exception("a letter was not sent")
