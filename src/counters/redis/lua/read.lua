-- Read the counters of some callers. Changes nothing.
--
-- KEYS    1 the organization's shared hash; then for each: the principal's hash
-- ARGV    1 <d ms: 0, or in tests the time>; then for each:
--           <B shared> <B own>
--           `shared` fields of the shared hash, then `own` fields of the principal's
-- Reply   1 <d now ms>; then for each { state, cell, ... }, or { 'E', what is wrong }

local argument, key = 2, 2

local function cells()
  local shared_count, own_count = read('<BB', ARGV[argument])
  local fields, own = argument + 1, KEYS[key]
  local own_fields = fields + shared_count
  argument, key = own_fields + own_count, key + 1

  local values = call('HMGET', KEYS[1], '#', rest(ARGV, fields, own_fields - 1))
  if own_count > 0 then
    local owned = call('HMGET', own, rest(ARGV, own_fields, argument - 1))
    for at = 1, own_count do values[shared_count + 1 + at] = owned[at] end
  end
  return values
end

local reply = { write('<d', time((read('<d', ARGV[1])))) }
while argument <= #ARGV do reply[#reply + 1] = answered(cells) end
return reply
