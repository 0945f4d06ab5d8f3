"""Rate limits: token buckets in Redis, shared by every process, and in the process alone while Redis is away."""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from server.actors import Actor, Caller
from server.clock import Clock
from server.errors import RateLimited, Unavailable
from server.metrics import LIMITED
from server.routes import Command, Limit
from storage.redis import Redis, RedisError, Script

log = logging.getLogger("mixee.limits")

# GCRA, the generic cell rate algorithm (ITU-T I.371): one number per bucket, the time at which it would be empty again.
# KEYS: a bucket each. ARGV: now, then burst and seconds for each, all in milliseconds. It answers the longest wait in
# milliseconds, 0 when every bucket had room; only then is anything taken.
_TAKE = """
local now = tonumber(ARGV[1])
local wait, empty = 0, {}
for i, key in ipairs(KEYS) do
  local burst, every = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local at = math.max(tonumber(redis.call('GET', key) or 0), now) + every
  local over = at - now - burst * every
  if over > wait then wait = over end
  empty[i] = at
end
if wait > 0 then return math.ceil(wait) end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', empty[i]), 'PX', math.ceil(empty[i] - now) + 1000)
end
return 0
"""

MAX_LOCAL = 50_000
"""Buckets that the process keeps for itself while Redis is away."""


class Limiter:
    """Takes one token from each bucket of a command."""

    def __init__(self, redis: Redis, clock: Clock, *, namespace: str, on: bool) -> None:
        self._take = Script(redis, _TAKE)
        self._clock = clock
        self._prefix = f"{namespace}:limit:"
        self._on = on
        self._local: OrderedDict[str, float] = OrderedDict()

    async def take(self, command: Command, actor: Actor | None, caller: Caller, given: Mapping[str, Any]) -> None:
        """Take what the command costs. Raises RateLimited with the time to wait."""
        if not self._on or not command.limits:
            return
        # A field that is left out names nobody: counting it would put everybody who leaves it out into one bucket.
        counted = [limit for limit in command.limits if limit.field is None or given.get(limit.field) is not None]
        if not counted:
            return
        buckets = [(self._prefix + _key(command, limit, actor, caller, given), limit) for limit in counted]
        now = self._clock.now().timestamp() * 1000
        arguments: list[float] = [now]
        for _, limit in buckets:
            arguments += [limit.burst, limit.seconds * 1000]
        try:
            wait = int(await self._take([key for key, _ in buckets], arguments))
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("limits are counted in this process alone: %s", error)
            if any(limit.strict for _, limit in buckets):
                raise Unavailable(
                    "This cannot be checked right now: try again in a moment.", retry_after_ms=2000
                ) from error
            wait = max(self._take_here(key, limit, now) for key, limit in buckets)
        if wait > 0:
            LIMITED.labels(command.name).inc()
            raise RateLimited(f"Too many requests: wait {wait / 1000:.1f} seconds.", retry_after_ms=wait)

    def _take_here(self, key: str, limit: Limit, now: float) -> int:
        every = limit.seconds * 1000
        at = max(self._local.get(key, 0.0), now) + every
        over = at - now - limit.burst * every
        if over > 0:
            return int(over) + 1
        self._local[key] = at
        self._local.move_to_end(key)
        while len(self._local) > MAX_LOCAL:
            self._local.popitem(last=False)
        return 0


def _key(command: Command, limit: Limit, actor: Actor | None, caller: Caller, given: Mapping[str, Any]) -> str:
    who = actor.user_id if limit.by == "user" and actor else caller.address
    key = f"{limit.pool or command.name}:{limit.burst}/{limit.seconds}:{limit.by}"
    if limit.field is None:
        return f"{key}:{who}"
    what = str(given.get(limit.field, "")).casefold()[:200]
    return f"{key}:{limit.field}:{what}" if limit.by == "address" else f"{key}:{who}:{what}"
