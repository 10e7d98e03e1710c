-- Give back all that some open reservations hold.
--
-- KEYS    1 the organization's shared hash; then for each: the principal's hash, the reservation's key
-- ARGV    1 <d ms: 0, or in tests the time>; then for each:
--           <B 1: forget it, as if it had never been>
--           the secret of its reservation_id
--           the workspace
-- Reply   1 <d now ms>; then for each 'R' released, or 'N' not open

local shared, now = KEYS[1], time((read('<d', ARGV[1])))
local reply = { write('<d', now) }
for at = 2, #ARGV, 3 do
  local own, name = KEYS[#reply * 2], KEYS[#reply * 2 + 1]
  local record = recall(call('GET', name), ARGV[at + 1], now)
  if record and record.is_open then
    settle_cells(shared, own, record, ARGV[at + 2], nil, now)
    if ARGV[at] == '\1' then
      call('DEL', name)
    else
      call('SET', name, write('<BI6', RELEASED, now * 2) .. sub(record.text, 8), 'PX', MEMORY_MS)
    end
    reply[#reply + 1] = 'R'
  else
    reply[#reply + 1] = 'N'
  end
end
return reply
