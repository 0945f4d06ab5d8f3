"""Who types in a group, for the few seconds that it lasts, in Redis: every process must agree on whom it names."""

from storage.redis import Redis, RedisError, Script

# KEYS: who is named (by the end of what is known of each), whether others were told of. ARGV: person, now, how long it
# lasts, how often others are told of, how many are named. 1: name the person; 2: tell that others type too; 0: nothing.
_TYPES = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[5]) then
  redis.call('ZADD', KEYS[1], ARGV[2] + ARGV[3], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return 1
end
if redis.call('SET', KEYS[2], 1, 'NX', 'PX', ARGV[4]) then return 2 end
return 0
"""
_ENDS = "return redis.call('ZREM', KEYS[1], ARGV[1])"

NAMED, SEVERAL = 1, 2


class TypistStore:
    """Times are in milliseconds. While Redis cannot be reached everybody is named."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        self._prefix = f"{namespace}:{{typing}}"
        self._types = Script(redis, _TYPES)
        self._ends = Script(redis, _ENDS)

    async def types(self, conversation_id: str, user_id: str, *, now: int, lasts: int, every: int, named: int) -> int:
        """Somebody types: whether to name him (NAMED), to tell that several type (SEVERAL), or to tell nothing (0)."""
        keys = [self._named(conversation_id), f"{self._prefix}:more:{conversation_id}"]
        try:
            return int(await self._types(keys, [user_id, now, lasts, every, named]))
        except (RedisError, OSError, TimeoutError):
            return NAMED

    async def ends(self, conversation_id: str, user_id: str) -> bool:
        """Somebody types no longer: whether he was named."""
        try:
            return bool(await self._ends([self._named(conversation_id)], [user_id]))
        except (RedisError, OSError, TimeoutError):
            return True

    def _named(self, conversation_id: str) -> str:
        return f"{self._prefix}:named:{conversation_id}"
