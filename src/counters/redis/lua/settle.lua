-- Replace what some reservations reserved by what was used.
--
-- KEYS    1 the organization's shared hash; then for each: the principal's hash; then for each workspace that may be meant,
--         the reservation's key and the key that usage without a reservation is remembered by
-- ARGV    1 <d ms: 0, or in tests the time>; then for each:
--           <B how: 0 usage as given, 1 the estimate, 2 nothing, 3 amounts as given> <B foreign> <B annotated pages>
--             <I2 workspaces> <d input> <d cached input> <d output> <d pages> <d seconds> <d cost nano-USD, for 3>
--           the secret of its reservation_id; empty: it is named by its request_id
--           the role that its claimant names; empty: none
--           the workspaces: the first in which it is known is taken
-- Reply   1 <d now ms>; then for each one of
--           'S' <B already> <B late> <d input> <d output> <d cost> 'workspace role model'
--           { 'P', record }                   a cost that only exact integers can say: ask again with 3
--           { 'O', record }                   no reservation, but usage that was charged without one (charge.lua)
--           'U' unknown, 'F' another's, { 'E', what is wrong } it could not be carried out: nothing was changed

-- The cost of usage by the price at a position, rounded up once; nil where doubles cannot say it exactly.
local function cost_of(record, at, input, cached, output, pages, seconds)
  local count, width = read('BB', record, at)
  if count == 0 then return 0 end
  if width == 0 then return nil end
  local p = { read('<' .. string.rep('I' .. width, count), record, at + 2) }
  for i = count + 1, 6 do p[i] = 0 end
  local sum = (input - cached) * p[2] + cached * p[3] + output * p[4] + pages * p[5] + seconds * p[6]
  if sum > MOST then return nil end
  local remainder = fmod(sum, p[1])
  return (sum - remainder) / p[1] + (remainder > 0 and 1 or 0)
end

local shared, now = KEYS[1], time((read('<d', ARGV[1])))
local argument, key = 2, 2

local function settle()
  local how, foreign, annotated, count, input, cached, output, pages, seconds, cost =
    read('<BBBI2dddddd', ARGV[argument])
  local secret, role = ARGV[argument + 1], ARGV[argument + 2]
  local workspaces, own, names = argument + 2, KEYS[key], key + 1
  argument, key = argument + 3 + count, key + 1 + 2 * count

  local record, name, workspace
  for nth = 1, count do
    name, workspace = KEYS[names], ARGV[workspaces + nth]
    record = recall(call('GET', name), secret, now)
    if record then break end
    local charged = call('GET', KEYS[names + 1])
    if charged and now < read('<I6', charged) + MEMORY_MS then return { 'O', charged } end
    names = names + 2
  end
  if not record then return 'U' end
  if foreign == 1 or (role ~= '' and role ~= record.role) then return 'F' end
  local already = record.state == SETTLED or record.state == LATE
  if already or how == 1 then
    input, output, cost = record.input, record.output, record.cost
  elseif how == 2 then
    input, output, cost = 0, 0, 0
  elseif how == 0 then
    local has_other = annotated == 1 and read('B', record.text, record.annotated) > 0
    cost = cost_of(record.text, has_other and record.annotated or record.price, input, cached, output, pages, seconds)
    if not cost then return { 'P', record.text } end
  end
  local late = record.state == LATE or not already and not record.is_open
  if not already then
    settle_cells(shared, own, record, workspace, charges_of(input, output, cost), now)
    local ends = record.is_open and now or record.ends
    local wide = record.input > 16777215 or record.output > 16777215 or cost > 4294967295
    call('SET', name, write('<BI6', late and LATE or SETTLED, ends * 2) .. sub(record.text, 8, 25)
      .. (wide and '\1' or '\0') .. sub(record.text, SECRET, SECRET + 8)
      .. write(wide and '<ddd' or '<I3I3I4', record.input, record.output, cost)
      .. write('BBBBc0Bc0', 0, 0, 0, #record.role, record.role, #record.model, record.model),
      'PX', floor(ends - now) + MEMORY_MS)
  end
  return 'S' .. write('<BBddd', already and 1 or 0, late and 1 or 0, input, output, cost) .. workspace .. ' '
    .. record.role .. ' ' .. record.model
end

local reply = { write('<d', now) }
while argument <= #ARGV do reply[#reply + 1] = answered(settle) end
return reply
