-- What every script begins with: how the cells of counters are read and changed.
--
-- A counter is one field of a hash. Its value, the cell, is bytes, little-endian; every amount is a whole double of at
-- most 2^53-1, and an amount above that is several.
--
--   calendar window, or in flight   <I4 label> <d used>, then lots <I6 end> <d amount>
--   sliding window                  <d used> <d reserved> <I6 next, ms>, then lots <I5 step> <I6 end> <d amount>
--
-- The sums of a sliding cell hold until `next`, when a lot ends or has slid out: so most calls need not look at its lots.
-- A sum above 2^53-1 cannot stand there: then `next` is 0, and the lots are added up each time.
--
-- A lot is all that is reserved until one instant. end = 4 x that instant in ms, + 1 where the amount is then given back
-- rather than charged; 0: used. (Instants are whole halves of a ms, so nothing is lost.) Expiry is arithmetic: whoever
-- reads a cell counts what has ended as its end says, so nothing sweeps, and a replica that died is not missed.

local read, write, sub, find, floor, fmod = struct.unpack, struct.pack, string.sub, string.find, math.floor, math.fmod
local call, rest = redis.call, unpack

local MOST = 9007199254740991
local MEMORY_MS = 600000
-- How long the organization's shared hash is kept without a change: longer than any window.
local SHARED_MS = 40 * 86400000
-- Windows: 1 second, 2 minute, 3 hour, 4 day, 5 week, 6 month, 7 in flight.
local MINUTE, HOUR, IN_FLIGHT = 2, 3, 7

-- The time in ms: this server's, or in tests the one that is given.
local function time(given)
  if given > 0 then return given end
  local t = call('TIME')
  return t[1] * 1000 + floor(t[2] / 1000)
end

-- Answer one of the calls of a batch. What cannot be read for one must not keep the others from their answers: a cell is
-- read before anything is written, so a call that fails has changed nothing.
local function answered(answer)
  local done, said = pcall(answer)
  if done then return said end
  return { 'E', type(said) == 'table' and said.err or tostring(said) }
end

local function step_ms(window)
  return window == MINUTE and 6000 or 100
end

-- Where a lot with this head stands in a cell, from a position on; nil where there is none.
local function find_lot(cell, first, head, from)
  local at, width = find(cell, head, from, true), #head + 8
  while at and (at - first) % width ~= 0 do at = find(cell, head, at + 1, true) end
  return at
end

-- Add an amount to the lot of a head.
local function add(cell, first, head, amount)
  local at = find_lot(cell, first, head, first)
  while at do
    local value = at + #head
    local sum = read('<d', cell, value) + amount
    if sum <= MOST then return sub(cell, 1, value - 1) .. write('<d', sum) .. sub(cell, value + 8) end
    at = find_lot(cell, first, head, value + 8)
  end
  return cell .. head .. write('<d', amount)
end

-- Take an amount from the lots of a head. Returns the cell, and what they lacked.
local function take(cell, first, head, amount)
  local at = find_lot(cell, first, head, first)
  while at and amount > 0 do
    local value = at + #head
    local left = read('<d', cell, value) - amount
    if left > 0 then return sub(cell, 1, value - 1) .. write('<d', left) .. sub(cell, value + 8), 0 end
    cell = sub(cell, 1, at - 1) .. sub(cell, value + 8)
    amount = -left
    at = find_lot(cell, first, head, at)
  end
  return cell, amount
end

local USED = write('<I6', 0)
local NEVER = 2 ^ 48 - 1
local EMPTY_SLIDING = write('<ddI6', 0, 0, NEVER)

-- A calendar cell with its used changed, by a negative amount too. Above 2^53-1 the rest goes into lots of its own.
local function use_in_calendar(cell, amount)
  local label, used = read('<I4d', cell)
  if amount < 0 then
    cell, amount = take(cell, 13, USED, -amount)
    amount = -amount
  end
  if amount > MOST - used then
    cell, used = add(cell, 13, USED, amount - (MOST - used)), MOST
  else
    used = math.max(0, used + amount)
  end
  return write('<I4d', label, used) .. sub(cell, 13)
end

-- The sums that a sliding cell begins with.
local function sums_of(used, reserved, next)
  if used > MOST or reserved > MOST then next = 0 end
  return write('<ddI6', used > MOST and MOST or used, reserved > MOST and MOST or reserved, next)
end

-- A sliding cell's sums changed, and its lots by what is given.
local function with_sums(cell, used, reserved, next)
  return sums_of(used, reserved, next) .. sub(cell, 23)
end

-- The first instant at which a lot goes or ends. In whole ms, rounded down: to look once too often is no harm.
local function event_of(window, step, key)
  local gone = (step + 11) * step_ms(window)
  local ends = key > 0 and floor(key / 4) or gone
  return ends < gone and ends or gone
end

-- A sliding cell with what was used in a step changed, by a negative amount too.
local function use_in_sliding(cell, window, step, amount)
  if amount == 0 then return cell end
  local used, reserved, next = read('<ddI6', cell)
  local head = write('<I5I6', step, 0)
  if amount > 0 then
    local event = event_of(window, step, 0)
    return with_sums(add(cell, 23, head, amount), used + amount, reserved, event < next and event or next)
  end
  local lacked
  cell, lacked = take(cell, 23, head, -amount)
  return with_sums(cell, used + amount + lacked, reserved, next)
end

local function calendar_without_ended(cell, ended)
  local kept = sub(cell, 1, 12)
  local charged = {}
  for at = 13, #cell, 14 do
    local key, amount = read('<I6d', cell, at)
    if key == 0 or key > ended then
      kept = kept .. sub(cell, at, at + 13)
    elseif key % 2 == 0 then
      charged[#charged + 1] = amount
    end
  end
  for _, amount in ipairs(charged) do kept = use_in_calendar(kept, amount) end
  return kept
end

-- A sliding cell with its lots looked at: what is gone left out, what has ended as its end says, the rest added up.
local function sliding_anew(cell, window, now)
  local gone, ended = now / step_ms(window) - 11, now * 4 + 1
  local kept, used, reserved, next = EMPTY_SLIDING, 0, 0, NEVER
  for at = 23, #cell, 19 do
    local step, key, amount = read('<I5I6d', cell, at)
    if step > gone and (key == 0 or key > ended or key % 2 == 0) then
      if key > ended then
        reserved = reserved + amount
        kept = add(kept, 23, sub(cell, at, at + 10), amount)
      else
        key, used = 0, used + amount
        kept = add(kept, 23, write('<I5I6', step, 0), amount)
      end
      local event = event_of(window, step, key)
      if event < next then next = event end
    end
  end
  return with_sums(kept, used, reserved, next), used, reserved
end

-- Bring a cell up to date. label: of the window that is open; 0 for what is in flight.
-- Returns the cell (nil where nothing is counted), used, reserved.
local function advance(cell, window, label, now)
  if not cell then return nil, 0, 0 end
  if window <= MINUTE then
    local used, reserved, next = read('<ddI6', cell)
    if now < next then return cell, used, reserved end
    return sliding_anew(cell, window, now)
  end
  local ended = now * 4 + 1
  if #cell == 26 then
    -- Most often there is one lot, that of the calls before.
    local from, used, key, amount = read('<I4dI6d', cell)
    if from >= label and key > ended then return cell, used, amount end
  end
  local from, used = read('<I4d', cell)
  if from < label then return nil, 0, 0 end
  local reserved, stale = 0, false
  for at = 13, #cell, 14 do
    local key, amount = read('<I6d', cell, at)
    if key > ended then
      reserved = reserved + amount
    else
      stale = stale or key > 0
      if key % 2 == 0 then used = used + amount end
    end
  end
  if stale then cell = calendar_without_ended(cell, ended) end
  return cell, used, reserved
end

-- The head of a reservation's lot in a sliding cell, and its end.
local function lot_head(window, at, ends, gives_back)
  local key = ends * 4 + (gives_back and 1 or 0)
  return write('<I5I6', floor(at / step_ms(window)), key), key
end

-- What a call comes to in each metric: 1 requests, 2 tokens, 3 input, 4 output, 5 nano-USD, 6 in flight.
local function charges_of(input, output, cost)
  local tokens = input + output
  return { 1, tokens < MOST and tokens or MOST, input, output, cost, 1 }
end
