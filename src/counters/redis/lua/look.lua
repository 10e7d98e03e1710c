-- Read some cells, of whatever hashes. Changes nothing.
--
-- KEYS    1 the organization's shared hash; then the hash of each cell
-- ARGV    1 <d ms: 0, or in tests the time>; then the field of each cell
-- Reply   head and state (drift.lua), then each cell; '' where there is none

local reply = reply_head(KEYS[1], time((read('<d', ARGV[1]))))
for at = 2, #ARGV do reply[#reply + 1] = call('HGET', KEYS[at], ARGV[at]) or '' end
return reply
