-- Change lots by what they were found to hold too much, or to lack.
--
-- KEYS    1 the organization's shared hash; 2 the lease of the drift check; then the hash of each lot's counter
-- ARGV    1 <d ms: 0, or in tests the time>
--         2 what the lease must hold
--         3 the id of the server that was looked at
--         then for each: its field, and <B window> <I5 place> <I6 end> <d amount>: above 0 to add, below 0 to take
--         place: the step of a sliding window, the label of a calendar one, 0 of what is in flight
-- Reply   head and state (drift.lua), then for each <d by what it was changed>; nothing where the lease is another's, or
--         the server another

local shared, now = KEYS[1], time((read('<d', ARGV[1])))
local reply = reply_head(shared, now)
if call('GET', KEYS[2]) ~= ARGV[2] or server_id() ~= ARGV[3] then return reply end

local state = call('HGET', shared, '#')
labels, ends = { [IN_FLIGHT] = 0 }, {}
if state then
  local s = { read('<I6I4I4I4I4I6I6I6I6', state) }
  for window = MINUTE + 1, 6 do labels[window], ends[window] = s[window - 1], s[window + 3] end
end

local function held(cell, first, head)
  local sum, at = 0, find_lot(cell, first, head, first)
  while at do
    local value = at + #head
    sum = sum + read('<d', cell, value)
    at = find_lot(cell, first, head, value + 8)
  end
  return sum
end

-- Both return the cell, and by what it was changed.

local function change_sliding(cell, window, step, key, amount)
  local head = write('<I5I6', step, key)
  if amount > 0 then
    cell = cell and advance(cell, window, 0, now) or EMPTY_SLIDING
    return reserve_sliding(cell, window, step * step_ms(window), head, key, amount), amount
  end
  if not cell then return nil, 0 end
  cell = advance(cell, window, 0, now)
  local taken = math.min(held(cell, 23, head), -amount)
  return unreserve_sliding(cell, head, taken), -taken
end

local function change_other(cell, window, label, key, amount)
  local head = write('<I6', key)
  if cell and read('<I4', cell) < label then cell = nil end
  if amount > 0 then return add(cell or write('<I4d', label, 0), 13, head, amount), amount end
  if not cell then return nil, 0 end
  local taken = math.min(held(cell, 13, head), -amount)
  return take(cell, 13, head, taken), -taken
end

-- Whether a lot counts now: it has not ended, and its window is the one that is open, for all that this server knows.
local function counts(cell, window, place, key)
  if key <= now * 4 + 1 then return false end
  if window <= MINUTE then return place > now / step_ms(window) - 11 end
  if cell and read('<I4', cell) > place then return false end
  return labels[window] == place and (window == IN_FLIGHT or now < ends[window])
end

local function repair(hash, field, window, place, key, amount)
  local cell = call('HGET', hash, field) or nil
  if not counts(cell, window, place, key) then return 0 end
  local changed
  if window <= MINUTE then
    cell, changed = change_sliding(cell, window, place, key, amount)
  else
    cell, changed = change_other(cell, window, place, key, amount)
  end
  if changed == 0 then return 0 end
  if hash == shared then
    call('HSET', hash, field, cell)
    -- The hash was taken from under its reservations. What is written now must not stay for good.
    if not state then call('PEXPIRE', hash, SHARED_MS) end
  else
    keep_own(hash, call('HGET', hash, '#'), { field, cell }, needed_until(window, now, key / 4), now)
  end
  return changed
end

local argument = 4
for at = 3, #KEYS do
  local window, place, key, amount = read('<BI5I6d', ARGV[argument + 1])
  reply[#reply + 1] = write('<d', repair(KEYS[at], ARGV[argument], window, place, key, amount))
  argument = argument + 2
end
return reply
