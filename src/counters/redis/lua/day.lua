-- Read a part of what was used on a day. Changes nothing.
--
-- KEYS    1 the organization's shared hash; 2 the hash of the day (totals.lua)
-- ARGV    1 <d ms: 0, or in tests the time>
--         2 the cursor of the part before; '0': the first
--         3 about how many rows to look at
-- Reply   { <d now ms>, the next cursor ('0': this was the last part), field, row, ... }

local part = call('HSCAN', KEYS[2], ARGV[2], 'COUNT', ARGV[3])
local reply = { write('<d', time((read('<d', ARGV[1])))), part[1] }
for _, value in ipairs(part[2]) do reply[#reply + 1] = value end
return reply
