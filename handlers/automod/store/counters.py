"""What is counted across servers for some minutes: in Redis, and in the process alone while Redis is away."""

import logging
from collections import OrderedDict

from server.clock import Clock
from storage.redis import Redis, RedisError, Script

log = logging.getLogger("mixee.automod")

MOST = 500
"""Things that are remembered under one name."""
MOST_NAMES = 10_000
"""Names that a process remembers while Redis is away."""

KEPT = 3_600_000
"""Milliseconds for which things are remembered: each question may look back so far."""

# KEYS: a sorted set of things by their times. ARGV: now and the span in milliseconds, the thing, how many and how long.
_SEEN = """
local key, now = KEYS[1], tonumber(ARGV[1])
redis.call('ZADD', key, now, ARGV[3])
redis.call('ZREMRANGEBYSCORE', key, '-inf', now - tonumber(ARGV[5]))
redis.call('ZREMRANGEBYRANK', key, 0, -tonumber(ARGV[4]) - 1)
redis.call('PEXPIRE', key, ARGV[5])
return redis.call('ZRANGEBYSCORE', key, '(' .. string.format('%.0f', now - tonumber(ARGV[2])), '+inf')
"""


class Counters:
    """Remembers what was seen under a name."""

    def __init__(self, redis: Redis, clock: Clock, *, namespace: str) -> None:
        self._seen = Script(redis, _SEEN)
        self._clock = clock
        self._prefix = f"{namespace}:automod:"
        self._local: OrderedDict[str, dict[str, float]] = OrderedDict()

    async def seen(self, name: str, thing: str, *, seconds: int) -> list[str]:
        """Note a thing; all that were noted under this name within the span, this one among them."""
        now = self._clock.now().timestamp() * 1000
        try:
            found = await self._seen([self._prefix + name], [int(now), seconds * 1000, thing, MOST, KEPT])
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("AutoMod counts in this process alone: %s", error)
            return self._seen_here(name, thing, now, seconds * 1000)
        return [one.decode() for one in found]

    def _seen_here(self, name: str, thing: str, now: float, span: float) -> list[str]:
        known = {one: at for one, at in self._local.get(name, {}).items() if at > now - KEPT}
        known.pop(thing, None)
        known[thing] = now
        while len(known) > MOST:
            del known[next(iter(known))]
        self._local[name] = known
        self._local.move_to_end(name)
        while len(self._local) > MOST_NAMES:
            self._local.popitem(last=False)
        return [one for one, at in known.items() if at > now - span]
