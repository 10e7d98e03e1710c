-- Charge some usage that no reservation is known for, each once in ten minutes.
--
-- KEYS    1 the organization's shared hash; then for each: the principal's hash, the key that it is remembered by
-- ARGV    1 <d ms: 0, or in tests the time> <2 random bytes>; then for each:
--           <B shared> <B own> <d input tokens> <d output tokens> <d cost nano-USD>
--           the windows that its replica believes open (state.lua)
--           its counters: <B metric> <B window> <B> <d> each, shared ones first
--           what is remembered: 'principal role workspace input output cost model'
--           `shared` fields of the shared hash, then `own` fields of the principal's
-- Reply   1 <d now ms> <8 bytes epoch; missing where nothing is counted yet>; then for each one of
--           'C' charged, { 'O', record } it had been, 'T' the windows are over: nothing was changed,
--           { 'E', what is wrong } it could not be carried out: nothing was changed
--         A record is <I6 charged at, ms> and what was given to be remembered.

local shared = KEYS[1]
local now, salt = time((read('<d', ARGV[1]))), sub(ARGV[1], 9, 10)
local argument, key = 2, 2
local epoch

local function charge()
  local shared_count, own_count, input, output, cost = read('<BBddd', ARGV[argument])
  local windows, counters, text = ARGV[argument + 1], ARGV[argument + 2], ARGV[argument + 3]
  local fields = argument + 4
  local own_fields = fields + shared_count
  argument = own_fields + own_count
  local own, once = KEYS[key], KEYS[key + 1]
  key = key + 2

  local values = call('HMGET', shared, '#', rest(ARGV, fields, own_fields - 1))
  local state = values[1]
  epoch = state and epoch_of(state) or epoch
  if not open_windows(windows, state, now) then return 'T' end
  local known = call('GET', once)
  if known and now < read('<I6', known) + MEMORY_MS then return { 'O', known } end

  local owned = own_count > 0 and call('HMGET', own, '#', rest(ARGV, own_fields, argument - 1)) or {}
  local charges, changed, own_changed, needed = charges_of(input, output, cost), {}, {}, 0
  for i = 1, shared_count + own_count do
    local metric, window = read('<BB', counters, i * 11 - 10)
    local is_own = i > shared_count
    if window < IN_FLIGHT and charges[metric] > 0 then
      local before = values[i + 1]
      if is_own then before = owned[i - shared_count + 1] end
      local cell = advance(before or nil, window, labels[window], now)
      if window > MINUTE then
        cell = use_in_calendar(cell or write('<I4d', labels[window], 0), charges[metric])
      else
        cell = use_in_sliding(cell or EMPTY_SLIDING, window, floor(now / step_ms(window)), charges[metric])
      end
      local list = is_own and own_changed or changed
      list[#list + 1], list[#list + 2] = ARGV[fields + i - 1], cell
      if is_own then needed = math.max(needed, needed_until(window, now, now)) end
    end
  end
  local workspace, model = string.match(text, '^%S+ %S+ (%S+) %S+ %S+ %S+ (%S*)$')
  local day = day_key(shared, labels[4])
  local total, row, is_first = find_row(day, workspace .. ' ' .. sub(own, #shared + 2) .. ' ' .. model)
  epoch = epoch_of(keep_shared(shared, state, changed, now, salt))
  keep_own(own, owned[1], own_changed, needed, now)
  write_row(day, total, settled_row(row, now, 0, nil, 1, input, output, cost), is_first)
  call('SET', once, write('<I6', now) .. text, 'PX', MEMORY_MS)
  return 'C'
end

local reply = { '' }
while argument <= #ARGV do reply[#reply + 1] = answered(charge) end
reply[1] = write('<d', now) .. (epoch or '')
return reply
