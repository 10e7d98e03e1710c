-- Keep when keys were used last, or read that.
--
-- KEYS    1 the hash of the organization's key uses
-- ARGV    1 how long a use is kept, ms
--         2 'keep' or 'read'
--         3.. to keep: name, instant in ms, name, instant, ...
-- Reply   kept: { since }; read: { since, name, instant, ... }; instants as digits
--
-- The later instant stays, whatever the order of replicas; none is later than the server's own time, so that a replica
-- whose clock runs ahead does not hold a key in use. Instants are texts all along: Lua's numbers would be written with
-- an exponent.

local hash = KEYS[1]
local clock = redis.call('TIME')
local now = clock[1] .. string.format('%03d', math.floor(tonumber(clock[2]) / 1000))
local since = redis.call('HGET', hash, 'since')
if not since then
  since = now
  redis.call('HSET', hash, 'since', since)
end
local reply = { since }
if ARGV[2] == 'keep' then
  for at = 3, #ARGV, 2 do
    local name, used = ARGV[at], ARGV[at + 1]
    if tonumber(used) > tonumber(now) then used = now end
    local before = redis.call('HGET', hash, name)
    if not before or tonumber(before) < tonumber(used) then redis.call('HSET', hash, name, used) end
  end
else
  local oldest = tonumber(now) - tonumber(ARGV[1])
  local all = redis.call('HGETALL', hash)
  for at = 1, #all, 2 do
    local name, used = all[at], all[at + 1]
    if name ~= 'since' then
      if tonumber(used) < oldest then
        redis.call('HDEL', hash, name)
      else
        reply[#reply + 1] = name
        reply[#reply + 1] = used
      end
    end
  end
end
redis.call('PEXPIRE', hash, ARGV[1])
return reply
