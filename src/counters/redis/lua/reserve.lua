-- Decide some calls, and reserve the worst case of those that fit in every limit.
--
-- KEYS    1 the organization's shared hash; then for each call: the principal's hash, the reservation's key, and where 16
--           was asked, the keys of reservations that others would get
-- ARGV    1 <d ms: 0, or in tests the time> <2 random bytes>; then for each call:
--           <B flags: 1 dry run, 2 named by its caller, 4 read all, 8 expiry gives back, 16 others wait> <B shared>
--             <B own> <d ttl ms> <d input tokens> <d output tokens> <d cost nano-USD>, and with 16 <I2 how many>
--           the windows that its replica believes open (state.lua)
--           its limits: <B metric> <B window> <B shadow> <d ceiling> each, shared ones first
--           what its record holds beside its head (record.lua)
--           its field of the day's totals (totals.lua)
--           `shared` fields of the shared hash, then `own` fields of the principal's
-- Reply   1 <d now ms> <8 bytes epoch; missing where nothing is counted yet>; then for each call one of
--           'A' <I6 2 x the instant of its end> <B index>...    admitted; the indexes (from 1) of limits that refused in
--                                                               shadow; in a list with all cells where 4 was asked
--           { 'D' <B index>..., state, cell, ... }              denied; with 16 <I2 index>... follows, in one: which of
--                                                               the others' request_ids are remembered (from 1)
--           { 'W' <B index>..., state, cell, ... }              a dry run that would be admitted; cells where 4 was asked
--           { 'R', record, state, cell, ... }                   its request_id is remembered; cells where 4 was asked
--           'T'                                                 the windows are over: nothing was changed
--           { 'E', what is wrong }                              it could not be carried out: nothing was changed

local shared = KEYS[1]
local now, salt = time((read('<d', ARGV[1]))), sub(ARGV[1], 9, 10)
local argument, key = 2, 2
local epoch

-- Which of the reservations whose keys begin at a place are remembered.
local function remembered(first, count)
  local found = ''
  for i = 1, count do
    local known = call('GET', KEYS[first + i - 1])
    if known and now < ended_at(known) + MEMORY_MS then found = found .. write('<I2', i) end
  end
  return found
end

local function decide()
  local flags, shared_count, own_count, ttl, input, output, cost = read('<BBBdddd', ARGV[argument])
  local others = flags > 15 and read('<I2', ARGV[argument], 36)
  local windows, limits, body = ARGV[argument + 1], ARGV[argument + 2], ARGV[argument + 3]
  local total = ARGV[argument + 4]
  local fields = argument + 5
  local own_fields = fields + shared_count
  argument = own_fields + own_count
  local own, record, others_at = KEYS[key], KEYS[key + 1], key + 2
  key = others_at + (others or 0)

  local dry, named, all = flags % 2 == 1, flags % 4 > 1, flags % 8 > 3
  local gives_back = flags % 16 > 7
  local values = call('HMGET', shared, '#', rest(ARGV, fields, own_fields - 1))
  local state = values[1]
  local owned = own_count > 0 and call('HMGET', own, '#', rest(ARGV, own_fields, argument - 1)) or {}
  for at = 2, own_count + 1 do values[shared_count + at] = owned[at] end
  epoch = state and epoch_of(state) or epoch
  if not open_windows(windows, state, now) then return 'T' end

  local known = named and not dry and call('GET', record)
  if known and now < ended_at(known) + MEMORY_MS then
    known = came_again(record, known)
    return all and { 'R', known, rest(values) } or { 'R', known }
  end

  local count = shared_count + own_count
  local charges, cells, kinds, amounts = charges_of(input, output, cost), {}, {}, {}
  local denies, refusing = false, ''
  for i = 1, count do
    local metric, window, shadow, ceiling = read('<BBBd', limits, i * 11 - 10)
    local cell, used, reserved = advance(values[i + 1], window, labels[window], now)
    local charge = charges[metric]
    if ceiling == 0 or used + reserved + charge > ceiling then
      if shadow == 1 then refusing = refusing .. string.char(i) else denies = true end
    end
    cells[i], kinds[i], amounts[i] = cell or false, window, charge
  end
  if denies then
    if others then values[count + 2] = remembered(others_at, others) end
    return { 'D' .. refusing, rest(values) }
  end
  if dry then return all and { 'W' .. refusing, rest(values) } or { 'W' .. refusing } end

  local half = ttl / 2
  local ends_at = math.ceil((now + ttl) / half) * half
  local changed, own_changed, needed = {}, {}, 0
  local day, row, is_first
  if not gives_back then
    day = day_key(shared, labels[4])
    total, row, is_first = find_row(day, total)
    row = held_row(row, now, ends_at, input, output, cost)
  end
  for i = 1, count do
    local charge, window, cell = amounts[i], kinds[i], cells[i]
    if charge > 0 then
      cell = reserve_in(cell or nil, window, labels[window], now, ends_at, gives_back, charge)
    end
    if cell then
      values[i + 1] = cell
      local list = i > shared_count and own_changed or changed
      list[#list + 1] = ARGV[fields + i - 1]
      list[#list + 1] = cell
      if i > shared_count then needed = math.max(needed, needed_until(window, now, ends_at)) end
    end
  end
  values[1] = keep_shared(shared, state, changed, now, salt)
  epoch = epoch_of(values[1])
  keep_own(own, owned[1], own_changed, needed, now)
  if row then write_row(day, total, row, is_first) end
  if refusing ~= '' then body = body .. '\n' .. refusing end
  call('SET', record, open_record(gives_back, ends_at, now) .. body, 'PX', floor(ends_at - now) + MEMORY_MS)

  local answer = 'A' .. write('<I6', ends_at * 2) .. refusing
  return all and { answer, rest(values) } or answer
end

local reply = { '' }
while argument <= #ARGV do reply[#reply + 1] = answered(decide) end
reply[1] = write('<d', now) .. (epoch or '')
return reply
