-- Walk a part of the keys of an organization. In a script, so that a cluster asks the server that holds them.
--
-- KEYS    1 the organization's shared hash
-- ARGV    1 <d ms: 0, or in tests the time>
--         2 the cursor of the part before; '0': the first
--         3 a pattern of keys
--         4 about how many keys to look at
--         5 'records': with the value of each, 'hashes': with the fields of each
-- Reply   { <d now ms>, the next cursor ('0': this was the last part), key, value or fields, ... }

local part = call('SCAN', ARGV[2], 'MATCH', ARGV[3], 'COUNT', ARGV[4])
local reply = { write('<d', time((read('<d', ARGV[1])))), part[1] }
for _, key in ipairs(part[2]) do
  local value = ARGV[5] == 'records' and call('GET', key) or ARGV[5] == 'hashes' and call('HGETALL', key)
  if value then
    reply[#reply + 1] = key
    reply[#reply + 1] = value
  end
end
return reply
