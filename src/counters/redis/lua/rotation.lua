-- Hold, read and write how far the rotation of a workspace's key has come.
--
-- Whoever holds it has a number that no holder before had; a write by any but the newest number is refused, however long
-- its writer was away. The lock only keeps others from taking the next number while its holder lives.
--
-- KEYS    1 a hash: by workspace, the rotation ('r:' and the name) and the newest number ('n:' and the name)
--         2 the lock of this workspace
-- ARGV    1 'hold', 'read', 'write', 'keep' or 'release'
--         2 the workspace
--         3 hold: who asks, for a person; write, keep, release: the number
--         4 hold, write, keep: for how long, ms
--         5 write: the text
-- Reply   hold    { '1', the number } or { '0', who holds it }
--         read    { '1', the text or nil }
--         others  { '1' } done; { '0' } another holds it, or has since

local rotations, lock = KEYS[1], KEYS[2]
local how, workspace, by = ARGV[1], ARGV[2], ARGV[3]
local newest = 'n:' .. workspace

if how == 'read' then return { '1', redis.call('HGET', rotations, 'r:' .. workspace) } end

if how == 'hold' then
  local holder = redis.call('GET', lock)
  if holder then return { '0', holder } end
  local number = string.format('%d', (tonumber(redis.call('HGET', rotations, newest)) or 0) + 1)
  redis.call('HSET', rotations, newest, number)
  redis.call('SET', lock, by, 'PX', ARGV[4])
  return { '1', number }
end

if redis.call('HGET', rotations, newest) ~= by then return { '0' } end
if how == 'release' then
  redis.call('DEL', lock)
  return { '1' }
end
if how == 'write' then redis.call('HSET', rotations, 'r:' .. workspace, ARGV[5]) end
if redis.call('PEXPIRE', lock, ARGV[4]) == 0 then redis.call('SET', lock, by, 'PX', ARGV[4]) end
return { '1' }
