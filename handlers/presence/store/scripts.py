"""The Lua scripts of presence: each is one step for Redis, so no two processes can interleave in it.

Every key that a script touches is in its KEYS, and all carry one hash tag: on a Redis Cluster they live in one slot.

A person's hash holds a field `c:<node>:<connection>` for every device, with `<state>|<app>|<kind>|<since>|<device id>`,
and
    mark    a new value after every change of the devices or of what is stored of the person
    told    what others were told last ("?" after a loss: they were told something, and nobody remembers what)
    toldAt  when, in milliseconds
    gone    since when there is no device, in milliseconds
    last    the value of the device that left last
"""

# KEYS: person, people of the node. ARGV: person's id, field, value, mark.
PUT = """
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3], 'mark', ARGV[4])
redis.call('HDEL', KEYS[1], 'gone', 'last')
redis.call('PERSIST', KEYS[1])
redis.call('SADD', KEYS[2], ARGV[1])
return 1
"""

# As PUT, for a device that was there before Redis lost it; one that is still there stays as it is.
RESTORE = """
if redis.call('HSETNX', KEYS[1], ARGV[2], ARGV[3]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'mark', ARGV[4])
redis.call('HSETNX', KEYS[1], 'told', '?')
redis.call('HDEL', KEYS[1], 'gone', 'last')
redis.call('PERSIST', KEYS[1])
redis.call('SADD', KEYS[2], ARGV[1])
return 1
"""

# KEYS: person, people of the node, due. ARGV: person's id, field, mark, prefix of the node's fields, now, grace.
# How many devices are left. Without a device of that field: since when there is none stays as it is.
DROP = """
local value = redis.call('HGET', KEYS[1], ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[2])
local left, here = 0, 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 2) == 'c:' then
    left = left + 1
    if string.sub(field, 1, #ARGV[4]) == ARGV[4] then here = here + 1 end
  end
end
redis.call('HSET', KEYS[1], 'mark', ARGV[3])
if here == 0 then redis.call('SREM', KEYS[2], ARGV[1]) end
if left == 0 then
  if value then redis.call('HSET', KEYS[1], 'gone', ARGV[5], 'last', value) end
  redis.call('HSETNX', KEYS[1], 'gone', ARGV[5])
  redis.call('PERSIST', KEYS[1])
  redis.call('ZADD', KEYS[3], redis.call('HGET', KEYS[1], 'gone') + ARGV[6], ARGV[1])
end
return left
"""

# KEYS: person. ARGV: mark, device id, state or '', app or '', now ('' leaves when it was last used), whether all
# devices are meant when none has that id. How many there are.
CHANGE = """
local mine, all = {}, {}
local found = redis.call('HGETALL', KEYS[1])
for i = 1, #found, 2 do
  if string.sub(found[i], 1, 2) == 'c:' then
    local state, app, kind, since, id = string.match(found[i + 1], '^(%a+)|(%a+)|(%a+)|(%d+)|(.*)$')
    if ARGV[3] ~= '' then state = ARGV[3] end
    if ARGV[4] ~= '' then app = ARGV[4] end
    if ARGV[5] ~= '' and tonumber(ARGV[5]) > tonumber(since) then since = ARGV[5] end
    all[#all + 1] = {found[i], state .. '|' .. app .. '|' .. kind .. '|' .. since .. '|' .. id}
    if id == ARGV[2] then mine[#mine + 1] = all[#all] end
  end
end
local chosen = mine
if #mine == 0 and ARGV[6] == '1' then chosen = all end
for _, one in ipairs(chosen) do redis.call('HSET', KEYS[1], one[1], one[2]) end
if #chosen > 0 then redis.call('HSET', KEYS[1], 'mark', ARGV[1]) end
return #chosen
"""

# KEYS: person. ARGV: mark. Whether Redis knows the person at all.
TOUCH = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'mark', ARGV[1])
return 1
"""

# KEYS: person. What nobody remembers to have told is wrong: others shall be told the next state.
DOUBT_TOLD = """
if redis.call('HGET', KEYS[1], 'told') == '?' then redis.call('HDEL', KEYS[1], 'told', 'toldAt') end
return 1
"""

# KEYS: since, then people. What each has, as a flat list; before them since when Redis is being filled again.
LOOK = """
local found = {redis.call('GET', KEYS[1]) or ''}
for i = 2, #KEYS do found[i] = redis.call('HGETALL', KEYS[i]) end
return found
"""

# KEYS: people. For each: 2 with a device, 1 when the last left a short while ago, 0 otherwise.
HERE = """
local found = {}
for i, key in ipairs(KEYS) do
  found[i] = 0
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if string.sub(field, 1, 2) == 'c:' then found[i] = 2 break end
    if field == 'gone' then found[i] = 1 end
  end
end
return found
"""

# KEYS: person, due, interest in the person. ARGV: person's id, mark, news, now, quiet time, grace, whether offline may
# be told after a loss, how long to remember what was told, when the news change by themselves (0: never); all times in
# milliseconds. The news may be told once it answers `tell`; the interest of the nodes comes along.
SETTLE = """
local found = redis.call('HMGET', KEYS[1], 'mark', 'told', 'toldAt', 'gone')
local mark, told, at, gone = found[1] or '', found[2] or '', found[3], found[4]
local now, offline = tonumber(ARGV[4]), ARGV[3] == 'offline'
if mark ~= ARGV[2] then return {'changed'} end
local function settled()
  if ARGV[9] ~= '0' then
    redis.call('ZADD', KEYS[2], ARGV[9], ARGV[1])
  else
    redis.call('ZREM', KEYS[2], ARGV[1])
    if gone then redis.call('PEXPIRE', KEYS[1], ARGV[8]) end
  end
end
local lost = told == '?' or told == ''
if told == ARGV[3] or (lost and offline and not (gone and ARGV[7] == '1')) then
  settled()
  return {'same'}
end
if told == '?' and not offline then
  redis.call('HSET', KEYS[1], 'told', ARGV[3], 'toldAt', now)
  settled()
  return {'same'}
end
local ready = now
if gone and offline then ready = math.max(ready, gone + ARGV[6]) end
if at then ready = math.max(ready, at + ARGV[5]) end
if ready > now then
  redis.call('ZADD', KEYS[2], ready, ARGV[1])
  return {'later'}
end
redis.call('HSET', KEYS[1], 'told', ARGV[3], 'toldAt', now)
settled()
local answer = redis.call('HGETALL', KEYS[3])
table.insert(answer, 1, 'tell')
return answer
"""

# KEYS: due. ARGV: now, until when others shall leave them alone, how many. People who are due.
TAKE_DUE = """
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, person in ipairs(found) do redis.call('ZADD', KEYS[1], ARGV[2], person) end
return found
"""

# KEYS: lease, nodes, since, people of the node. ARGV: node, length of the lease in milliseconds, what `since` becomes
# when it is not there. Whether the lease was still there, how many people the node has, all nodes.
BEAT = """
local had = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], '1', 'PX', ARGV[2])
redis.call('SADD', KEYS[2], ARGV[1])
if redis.call('EXISTS', KEYS[3]) == 0 then redis.call('SET', KEYS[3], ARGV[3]) end
return {had, redis.call('SCARD', KEYS[4]), redis.call('SMEMBERS', KEYS[2])}
"""

# KEYS: leases. For each whether it is there.
ALIVE = """
local found = {}
for i, key in ipairs(KEYS) do found[i] = redis.call('EXISTS', key) end
return found
"""

# KEYS: turn. ARGV: node, how long it lasts in milliseconds. Whether the turn is this node's now.
TAKE_TURN = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""

# KEYS: a set. ARGV: how many. Some of what is in it.
SOME = """
return redis.call('SRANDMEMBER', KEYS[1], ARGV[1])
"""

# KEYS: people of a node, due, nodes, lease of the node, then people. ARGV: node, prefix of its fields, mark, when they
# left, when they are due, whether the node itself says so, then the people's ids. The devices of a node that is gone
# are removed. Whether there are more, then the people who have no device left.
CLEAR = """
if ARGV[6] == '0' and redis.call('EXISTS', KEYS[4]) == 1 then return {0} end
local answer = {0}
for i = 5, #KEYS do
  local key, person, left, last = KEYS[i], ARGV[i + 2], 0, false
  local found = redis.call('HGETALL', key)
  for j = 1, #found, 2 do
    if string.sub(found[j], 1, #ARGV[2]) == ARGV[2] then
      redis.call('HDEL', key, found[j])
      last = found[j + 1]
    elseif string.sub(found[j], 1, 2) == 'c:' then
      left = left + 1
    end
  end
  if last then
    redis.call('HSET', key, 'mark', ARGV[3])
    if left == 0 then
      redis.call('HSET', key, 'gone', ARGV[4], 'last', last)
      redis.call('PERSIST', key)
      answer[#answer + 1] = person
    end
    redis.call('ZADD', KEYS[2], ARGV[5], person)
  end
  redis.call('SREM', KEYS[1], person)
end
if redis.call('SCARD', KEYS[1]) > 0 then
  answer[1] = 1
else
  redis.call('SREM', KEYS[3], ARGV[1])
  redis.call('DEL', KEYS[4])
end
return answer
"""
