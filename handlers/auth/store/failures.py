"""Failed sign-ins, counted in Redis: of a name from one block of addresses, of a name, and of a block."""

from dataclasses import dataclass

from storage.redis import Redis, Script

# KEYS: of the pair, of the name, of the block. ARGV: now, free attempts, the first delay, the longest delay, how long a
# pair is remembered, how long a name and a block are; in milliseconds. An attempt counts as failed until it is cleared,
# so that many at once do not all see the same number. It answers the wait, 0 when the attempt was counted.
_TAKE = """
local now, free, first, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local known = redis.call('HMGET', KEYS[1], 'count', 'at')
local count, at = tonumber(known[1] or 0), tonumber(known[2] or 0)
if count >= free then
  local wait = at + math.min(first * 2 ^ (count - free), most) - now
  if wait > 0 then return math.ceil(wait) end
end
redis.call('HSET', KEYS[1], 'count', count + 1, 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
for i = 2, 3 do
  if redis.call('INCR', KEYS[i]) == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[6]) end
end
return 0
"""

_LOOK = """
return {tonumber(redis.call('GET', KEYS[1]) or 0), tonumber(redis.call('GET', KEYS[2]) or 0)}
"""

# KEYS: of the pair, of the name, of the block. The attempt was none of a guesser.
_CLEAR = """
redis.call('DEL', KEYS[1])
for i = 2, 3 do
  if tonumber(redis.call('GET', KEYS[i]) or 0) > 0 then redis.call('DECR', KEYS[i]) end
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """How attempts are slowed down: milliseconds."""

    free: int
    """Attempts without a delay."""
    first: float
    most: float
    pair_lasts: int
    others_last: int


class FailureStore:
    """Names are digests here: Redis learns none."""

    def __init__(self, redis: Redis, *, namespace: str) -> None:
        self._take = Script(redis, _TAKE)
        self._look = Script(redis, _LOOK)
        self._clear = Script(redis, _CLEAR)
        self._prefix = f"{namespace}:failures:"

    async def look(self, name: str, block: str) -> tuple[int, int]:
        """How often sign-ins failed of the name, and from the block. Raises RedisError."""
        _, of_name, of_block = self._keys(name, block)
        found = await self._look([of_name, of_block])
        return int(found[0]), int(found[1])

    async def take(self, name: str, block: str, now: float, pace: Pace) -> int:
        """Count an attempt as failed, unless it must wait: how many milliseconds. Raises RedisError."""
        arguments = [now, pace.free, pace.first, pace.most, pace.pair_lasts, pace.others_last]
        return int(await self._take(self._keys(name, block), arguments))

    async def clear(self, name: str, block: str) -> None:
        """The attempt has not failed. Raises RedisError."""
        await self._clear(self._keys(name, block))

    def _keys(self, name: str, block: str) -> list[str]:
        return [f"{self._prefix}{name}:{block}", f"{self._prefix}{name}", f"{self._prefix}@{block}"]
