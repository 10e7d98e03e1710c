-- Take, keep or leave a lease: of the drift check, of looking after alerts, of telling one.
--
-- KEYS    1 the lease
-- ARGV    1 'take', 'keep' or 'leave'
--         2 what its holder writes there, unlike any other's
--         3 for how long, ms
-- Reply   { '1' } it is the caller's, or was until it was left; { '0' } it is not

local lease, value = KEYS[1], ARGV[2]
local is_ours
if ARGV[1] == 'take' then
  is_ours = redis.call('SET', lease, value, 'NX', 'PX', ARGV[3])
else
  is_ours = redis.call('GET', lease) == value
  if is_ours and ARGV[1] == 'keep' then redis.call('PEXPIRE', lease, ARGV[3]) end
  if is_ours and ARGV[1] == 'leave' then redis.call('DEL', lease) end
end
return { is_ours and '1' or '0' }
