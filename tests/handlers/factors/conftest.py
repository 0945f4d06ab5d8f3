"""What tests of second factors need: authenticator apps, and sign-ins in two steps."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from crypto.totp import STEP, code_at
from tests.conftest import PASSWORD
from tests.handlers.auth.conftest import Outbox, Post, outbox, post
from tests.harness.clock import TurnableClock
from tests.harness.people import Person
from tests.harness.servers import Server

__all__ = ["App", "Apps", "Outbox", "Post", "outbox", "post", "ticket"]


class App:
    """An authenticator app, set up for one account. Every code that it shows is another one."""

    def __init__(self, secret: str, clock: TurnableClock) -> None:
        self.secret = base64.b32decode(secret)
        self._clock = clock
        self._shown = 0
        self.recovery: list[str] = []

    def code(self) -> str:
        """The code of now; when that was shown before, the one of the next step, to which it turns the clock."""
        step = int(self._clock.now().timestamp()) // STEP
        if step <= self._shown:
            self._clock.advance(seconds=(self._shown + 1 - step) * STEP)
            step = self._shown + 1
        self._shown = step
        return code_at(self.secret, step)

    def wrong(self) -> str:
        """A code that is none of the steps around now."""
        now = int(self._clock.now().timestamp()) // STEP
        near = {code_at(self.secret, now + away) for away in range(-2, 4)}
        return next(code for code in (f"{number:06d}" for number in range(10)) if code not in near)


Apps = Callable[[Person], Awaitable[App]]


@pytest.fixture
def app(clock: TurnableClock) -> Apps:
    """`await app(ada)` sets up an authenticator app for somebody."""

    async def set_up(person: Person) -> App:
        proposed = await person.ask("POST", "/api/auth/factors/totp")
        one = App(proposed["secret"], clock)
        confirmed = await person.ask("POST", "/api/auth/factors/totp/confirm", {"code": one.code()})
        one.recovery = confirmed["recoveryCodes"]
        return one

    return set_up


async def ticket(post: Post, name: str = "ada", *, password: str = PASSWORD, at: Server | None = None) -> str:
    """The ticket of a sign-in whose password is right."""
    status, answer = await post("login", {"username": name, "password": password}, at=at)
    assert (status, answer["code"]) == (403, "auth.second_factor_needed"), answer
    return str(answer["data"]["ticket"])


async def second(post: Post, opened: str, *, at: Server | None = None, **proof: Any) -> tuple[int, str | None]:
    """The second step: its status, and the code of a refusal."""
    status, answer = await post("login/second-factor", {"ticket": opened, **proof}, at=at)
    return status, answer.get("code")
