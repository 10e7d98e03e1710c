-- Say whether this server can do all that the other scripts need: run them, read and write.
--
-- KEYS    1 the organization's shared hash; 2 a key to write
-- ARGV    1 <d ms: 0, or in tests the time>
-- Reply   { <d now ms> <8 bytes epoch; missing where nothing is counted yet> }

local now = time((read('<d', ARGV[1])))
call('DEL', KEYS[2])
call('HSET', KEYS[2], '#', '')
call('HMGET', KEYS[2], '#')
call('HLEN', KEYS[2])
call('PEXPIRE', KEYS[2], 1000)
call('SET', KEYS[2], '', 'PX', 1000)
call('GET', KEYS[2])
local state = call('HGET', KEYS[1], '#')
return { write('<d', now) .. (state and sub(state, 47, 54) or '') }
