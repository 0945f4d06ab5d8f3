"""Writes letters and sends them after the answer, which so neither waits for them nor tells of them."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Literal

from crypto.ids import new_id
from handlers.auth.letters import Letter, Letters
from server.clock import Clock
from server.errors import Overloaded

log = logging.getLogger("mixee.auth.post")

MAX_WAITING = 1000


class Post:
    """Sends letters in tasks of its own, at most a thousand at a time."""

    def __init__(self, letters: Letters, clock: Clock, *, app_url: str | None) -> None:
        self._letters = letters
        self._clock = clock
        self._app_url = (app_url or "").rstrip("/")
        self._tasks: set[asyncio.Task[None]] = set()

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

    async def email_proof(self, to: str, secret: str) -> None:
        """The letter that verifies an e-mail address."""
        text = f"Welcome to Mixee! Confirm that this address is yours:\n\n{self._link('verify-email', secret)}\n"
        await self._send("email", to, "Confirm your e-mail address", text)

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

    def _link(self, page: str, secret: str) -> str:
        return f"{self._app_url}/{page}?token={secret}" if self._app_url else secret

    async def _send(self, channel: Literal["email", "sms"], to: str, subject: str, text: str) -> None:
        letter = Letter(id=new_id(), channel=channel, to=to, subject=subject, text=text, at=self._clock.now())
        await self._letters.send(letter)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            log.exception("a letter was not sent")
