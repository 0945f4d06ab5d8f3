"""The Lua scripts of watching and counting; as for the others, every key is in KEYS and all carry one hash tag.

interest:<person>   hash: how many people of each node watch the person
watched:<node>      set: whom a node is interested in
news:<node>         sorted set: of whom there is news for a node's watchers, by when they shall be told
count:<group>       hash: when a large group was counted, and the count
"""

# KEYS: watched by the node, then interest in people. ARGV: node, then for each of them the id and the number.
WATCH = """
for i = 2, #KEYS do
  local person, count = ARGV[2 * i - 2], ARGV[2 * i - 1]
  if count == '0' then
    redis.call('HDEL', KEYS[i], ARGV[1])
    redis.call('SREM', KEYS[1], person)
  else
    redis.call('HSET', KEYS[i], ARGV[1], count)
    redis.call('SADD', KEYS[1], person)
  end
end
return 1
"""

# KEYS: interest in a person. As a flat list: node, how many.
INTEREST = """
return redis.call('HGETALL', KEYS[1])
"""

# KEYS: watched by a node, lease of the node, news of the node, then interest in people. ARGV: node, whether the node
# itself says so, then the people's ids. The interest of a node that is gone is removed. Whether there is more.
LOSE_INTEREST = """
if ARGV[2] == '0' and redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
for i = 4, #KEYS do
  redis.call('HDEL', KEYS[i], ARGV[1])
  redis.call('SREM', KEYS[1], ARGV[i - 1])
end
redis.call('DEL', KEYS[3])
return redis.call('SCARD', KEYS[1]) > 0 and 1 or 0
"""

# KEYS: news of nodes. ARGV: person's id, when they are due, how long they are kept. Earlier news stay due as they are.
ANNOUNCE = """
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, 'LT', ARGV[2], ARGV[1])
  redis.call('PEXPIRE', key, ARGV[3])
end
return 1
"""

# KEYS: news of a node. ARGV: now, how many. People of whom there is news.
TAKE_NEWS = """
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
if #found > 0 then redis.call('ZREM', KEYS[1], unpack(found)) end
return found
"""

# KEYS: count. ARGV: now, how long a count holds, both in milliseconds. Whether it is time to count again, and the last.
COUNT_DUE = """
local found = redis.call('HMGET', KEYS[1], 'at', 'count')
if found[1] and ARGV[1] - found[1] < tonumber(ARGV[2]) then return {0, found[2] or ''} end
redis.call('HSET', KEYS[1], 'at', ARGV[1])
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[2])
return {1, found[2] or ''}
"""

# KEYS: count. ARGV: the count. Whether it differs from the last.
COUNTED = """
local before = redis.call('HGET', KEYS[1], 'count')
redis.call('HSET', KEYS[1], 'count', ARGV[1])
return before ~= ARGV[1] and 1 or 0
"""
