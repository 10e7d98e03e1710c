-- Give back all that some open reservations hold.
--
-- KEYS    1 the organization's shared hash; then for each: the principal's hash, the reservation's key
-- ARGV    1 <d ms: 0, or in tests the time>; then for each:
--           <B 1: forget it, as if it had never been, unless its request_id came again>
--           the secret of its reservation_id
--           the workspace
-- Reply   1 <d now ms>; then for each 'R' released, 'N' not open, or { 'E', what is wrong }

local shared, now = KEYS[1], time((read('<d', ARGV[1])))
local argument, key = 2, 2

local function release()
  local forget, secret, workspace = ARGV[argument] == '\1', ARGV[argument + 1], ARGV[argument + 2]
  local own, name = KEYS[key], KEYS[key + 1]
  argument, key = argument + 3, key + 2

  local record = recall(call('GET', name), secret, now)
  if not record or not record.is_open then return 'N' end
  if forget and has_come_again(record.text) then return 'N' end
  settle_cells(shared, own, record, workspace, nil, now)
  if forget then
    call('DEL', name)
  else
    call('SET', name, write('<BI6', RELEASED, now * 2) .. sub(record.text, 8), 'PX', MEMORY_MS)
  end
  return 'R'
end

local reply = { write('<d', now) }
while argument <= #ARGV do reply[#reply + 1] = answered(release) end
return reply
