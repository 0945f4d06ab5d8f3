"""Rate limits: token buckets in Redis, shared by every process, and in the process alone while Redis is away."""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from crypto.ids import made_at
from server.actors import Actor, Caller
from server.clock import Clock
from server.errors import RateLimited, Unavailable
from server.metrics import LIMITED
from server.routes import Command, Limit
from storage.redis import Redis, RedisError, Script

log = logging.getLogger("mixee.limits")

# GCRA, the generic cell rate algorithm (ITU-T I.371): one number per bucket, the time at which it would be full again.
# KEYS: a bucket each. ARGV: now, then burst and seconds for each, all in milliseconds. It answers the longest wait in
# milliseconds, 0 when every bucket had room (only then is anything taken), and when each bucket will be full.
_TAKE = """
local now = tonumber(ARGV[1])
local wait, full, after = 0, {}, {}
for i, key in ipairs(KEYS) do
  local burst, every = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  full[i] = math.max(tonumber(redis.call('GET', key) or 0), now)
  after[i] = full[i] + every
  local over = after[i] - now - burst * every
  if over > wait then wait = over end
end
if wait > 0 then
  table.insert(full, 1, math.ceil(wait))
  return full
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', after[i]), 'PX', math.ceil(after[i] - now) + 1000)
end
table.insert(after, 1, 0)
return after
"""

# KEYS: buckets. ARGV: now, then what each gets back, in milliseconds.
_GIVE = """
local now = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local full = tonumber(redis.call('GET', key) or 0) - tonumber(ARGV[i + 1])
  if full > now then
    redis.call('SET', key, string.format('%.0f', full), 'PX', math.ceil(full - now) + 1000)
  else
    redis.call('DEL', key)
  end
end
return 0
"""

MAX_LOCAL = 50_000
"""Buckets that the process keeps for itself while Redis is away."""

Bucket = tuple[str, Limit]
"""A key, and how much it holds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the fullest of the buckets stands that a request has taken from."""

    bucket: str
    scope: Literal["user", "address", "target"]
    limit: int
    remaining: int
    reset_after_ms: float
    """Until everything is there again."""

    def headers(self) -> dict[str, str]:
        """For an answer over HTTP."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset-After": f"{self.reset_after_ms / 1000:.3f}",
            "X-RateLimit-Bucket": self.bucket,
            "X-RateLimit-Scope": self.scope,
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """What a request has taken, and how it stands then."""

    buckets: Sequence[Bucket] = ()
    standing: Standing | None = None


class Limiter:
    """Takes one token from each bucket of a command."""

    def __init__(self, redis: Redis, clock: Clock, *, namespace: str, on: bool) -> None:
        self._take = Script(redis, _TAKE)
        self._give = Script(redis, _GIVE)
        self._clock = clock
        self._prefix = f"{namespace}:limit:"
        self._on = on
        self._local: OrderedDict[str, float] = OrderedDict()

    async def take(self, command: Command, actor: Actor | None, caller: Caller, given: Mapping[str, Any]) -> Taken:
        """Take what the command costs. Raises RateLimited with the time to wait."""
        if not self._on or not command.limits:
            return Taken()
        buckets = [
            (_key(command, limit, actor, caller, given), limit)
            for limit in command.limits
            if self._counts(limit, actor, given)
        ]
        return await self._take_from(command.name, buckets)

    async def spend(self, name: str, limits: Sequence[tuple[str, Limit]]) -> None:
        """Take from buckets that a service names, each for somebody or something. Raises RateLimited, Unavailable."""
        if self._on:
            buckets = [(f"{name}:{limit.burst}/{limit.seconds}:{limit.by}:{who}", limit) for who, limit in limits]
            await self._take_from(name, buckets)

    async def give_back(self, taken: Taken) -> None:
        """Undo what only failures cost: the request has not failed."""
        buckets = [(key, limit) for key, limit in taken.buckets if limit.failures]
        if not buckets:
            return
        arguments = [self._now(), *(limit.seconds * 1000 for _, limit in buckets)]
        try:
            await self._give([self._prefix + key for key, _ in buckets], arguments)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("what was taken of a limit is not given back: %s", error)

    def _now(self) -> float:
        return self._clock.now().timestamp() * 1000

    def _counts(self, limit: Limit, actor: Actor | None, given: Mapping[str, Any]) -> bool:
        # A field that is left out names nobody: counting it would put everybody who leaves it out into one bucket.
        field = limit.field or limit.when
        if field is not None and given.get(field) is None:
            return False
        if limit.young_hours is None or actor is None:
            return True
        made = made_at(actor.user_id)
        return made is not None and self._clock.now() - made < timedelta(hours=limit.young_hours)

    async def _take_from(self, name: str, buckets: Sequence[Bucket]) -> Taken:
        if not buckets:
            return Taken()
        now = self._now()
        arguments: list[float] = [now]
        for _, limit in buckets:
            arguments += [limit.burst, limit.seconds * 1000]
        try:
            answer = await self._take([self._prefix + key for key, _ in buckets], arguments)
            wait, full = int(answer[0]), [float(one) for one in answer[1:]]
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("limits are counted in this process alone: %s", error)
            if any(limit.strict for _, limit in buckets):
                raise Unavailable(
                    "This cannot be checked right now: try again in a moment.", retry_after_ms=2000
                ) from error
            found = [self._take_here(self._prefix + key, limit, now) for key, limit in buckets]
            wait, full = max(one for one, _ in found), [one for _, one in found]
        standing = _standing(name, buckets, full, now)
        if wait > 0:
            LIMITED.labels(name).inc()
            raise RateLimited(
                f"Too many requests: wait {wait / 1000:.1f} seconds.", retry_after_ms=wait, headers=standing.headers()
            )
        return Taken(buckets, standing)

    def _take_here(self, key: str, limit: Limit, now: float) -> tuple[int, float]:
        every = limit.seconds * 1000
        before = max(self._local.get(key, 0.0), now)
        over = before + every - now - limit.burst * every
        if over > 0:
            return int(over) + 1, before
        self._local[key] = before + every
        self._local.move_to_end(key)
        while len(self._local) > MAX_LOCAL:
            self._local.popitem(last=False)
        return 0, before + every


def _standing(name: str, buckets: Sequence[Bucket], full: Sequence[float], now: float) -> Standing:
    """Of the bucket in which least is left."""

    def left(limit: Limit, at: float) -> int:
        return max(0, int((limit.burst * limit.seconds * 1000 - (at - now)) / (limit.seconds * 1000) + 1e-6))

    (_, limit), at = min(zip(buckets, full, strict=True), key=lambda one: left(one[0][1], one[1]) / one[0][1].burst)
    return Standing(limit.pool or name, limit.by, limit.burst, left(limit, at), max(0.0, at - now))


def _key(command: Command, limit: Limit, actor: Actor | None, caller: Caller, given: Mapping[str, Any]) -> str:
    who = actor.user_id if limit.by == "user" and actor else caller.address
    key = f"{limit.pool or command.name}:{limit.burst}/{limit.seconds}:{limit.by}"
    if limit.field is None:
        return f"{key}:{who}"
    what = str(given.get(limit.field, "")).casefold()[:200]
    return f"{key}:{limit.field}:{what}" if limit.by == "address" else f"{key}:{who}:{what}"
