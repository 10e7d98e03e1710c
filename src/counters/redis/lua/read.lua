-- Read the counters of some callers. Changes nothing.
--
-- KEYS    1 the organization's shared hash; then for each: the principal's hash
-- ARGV    1 <d ms: 0, or in tests the time>; then for each:
--           <B shared> <B own>
--           `shared` fields of the shared hash, then `own` fields of the principal's
-- Reply   1 <d now ms>; then for each { state, cell, ... }

local reply = { write('<d', time((read('<d', ARGV[1])))) }
local argument = 2
while argument <= #ARGV do
  local shared_count, own_count = read('<BB', ARGV[argument])
  local own_fields = argument + 1 + shared_count
  local values = call('HMGET', KEYS[1], '#', rest(ARGV, argument + 1, own_fields - 1))
  argument = own_fields + own_count
  if own_count > 0 then
    local owned = call('HMGET', KEYS[#reply + 1], rest(ARGV, own_fields, argument - 1))
    for at = 1, own_count do values[shared_count + 1 + at] = owned[at] end
  end
  reply[#reply + 1] = values
end
return reply
