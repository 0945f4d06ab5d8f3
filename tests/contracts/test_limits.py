"""The limits of the messaging rules: what each command allows at once, what it refuses, and when it allows again."""

import secrets
from datetime import timedelta
from typing import Any

import pytest

from crypto.ids import new_id
from run import CORE
from server.actors import Actor, Caller
from server.assembly import commands
from server.edge.limits import Limiter
from server.errors import RateLimited
from server.routes import Command
from storage.redis import Redis
from tests.harness.clock import TurnableClock

DAY, HOUR = 86_400, 3_600

ROWS: dict[str, tuple[str, int, float, dict[str, Any]]] = {
    "messages per conversation": ("chat.send", 10, 2, {"conversationId": "same"}),
    "messages per person": ("chat.send", 20, 1, {"conversationId": None}),
    "read": ("chat.read", 20, 1 / 3, {}),
    "delivered": ("chat.delivered", 20, 1 / 3, {}),
    "reactions": ("chat.react", 10, 1, {}),
    "edits": ("chat.edit", 10, 1, {}),
    "friend requests in an hour": ("social.request", 5, HOUR / 5, {}),
    "sign-in by account": ("auth.login", 5, 333, {"email": "same"}),
    "registration by address": ("auth.register", 3, 60, {}),
    "letters to one address": ("auth.forgot_password", 5, HOUR / 5, {"email": "same"}),
    "reports of messages": ("safety.report", 20, DAY / 20, {}),
    "reports of people": ("users.report", 20, DAY / 20, {}),
}
"""By rule: the command, how many at once, seconds until one more, and what is sent (None: new each time)."""


def command(name: str) -> Command:
    return next(one for one in commands(CORE) if one.name == name)


@pytest.mark.parametrize("row", ROWS)
async def test_a_limit_allows_its_burst_then_refuses_and_recovers(redis: Redis, row: str) -> None:
    name, burst, seconds, given = ROWS[row]
    clock = TurnableClock()
    limiter = Limiter(redis, clock, namespace=f"test-{secrets.token_hex(6)}", on=True)
    actor = Actor(new_id(), "user", frozenset(), new_id(), new_id(), clock.now() + timedelta(days=1))
    caller = Caller("http", "192.0.2.7")

    async def take() -> int:
        """Milliseconds to wait, 0 when it was allowed."""
        sent = {field: new_id() if value is None else value for field, value in given.items()}
        try:
            await limiter.take(command(name), actor, caller, sent)
        except RateLimited as error:
            return error.retry_after_ms or -1
        return 0

    at_once = [await take() for _ in range(burst)]
    wait = await take()
    clock.advance(milliseconds=wait - 1)
    early = await take()
    clock.advance(milliseconds=1)

    assert at_once == [0] * burst
    assert abs(wait - seconds * 1000) <= 0.5 * burst  # the counter holds whole milliseconds, rounded at each
    assert (early, await take()) == (1, 0)
