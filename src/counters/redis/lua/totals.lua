-- How what was used on each day is kept, by workspace, principal and model.
--
-- The hash of a day is 't:<its label>' beside the shared one. A field is 'workspace principal model'; without a principal
-- where the day had no room for a row of its own. Its value, the row, is bytes, little-endian:
--
--   used    <d requests> <d input tokens> <d output tokens> <d nano-USD>
--   lots    <I6 2 x end> and the same four: what open reservations will be charged that end at that instant
--
-- As in cells, expiry is arithmetic: whoever reads a row counts what has ended as used. Sums are exact up to 2^53-1, and
-- what is above is told as that.

-- This month and the last one whole.
local DAYS_KEPT_MS = 64 * 86400000
local MOST_ROWS = 20000
local LOT = 38
local NO_ROW = write('<dddd', 0, 0, 0, 0)
local last_shared, last_label, last_day

local function day_key(shared, label)
  if shared ~= last_shared or label ~= last_label then
    last_shared, last_label = shared, label
    last_day = sub(shared, 1, -2) .. 't:' .. string.format('%d', label)
  end
  return last_day
end

-- The field to count in, its row, and whether the day begins with it.
local function find_row(day, field)
  local row = call('HGET', day, field)
  if row then return field, row, false end
  local rows = call('HLEN', day)
  if rows >= MOST_ROWS then
    field = string.gsub(field, ' [^ ]+ ', '  ')
    row = call('HGET', day, field)
  end
  return field, row or NO_ROW, rows == 0
end

local function write_row(day, field, row, is_first)
  call('HSET', day, field, row)
  if is_first then call('PEXPIRE', day, DAYS_KEPT_MS) end
end

-- A row with what has ended as used, one request taken from the lot of an end (0: of none), and used changed.
local function settled_row(row, now, ends, held, requests, input, output, cost)
  if #row == 32 + LOT then
    local n, i, o, c, ends2, ln, li, lo, lc = read('<ddddI6dddd', row)
    if ends2 == ends * 2 and ends > now and ln > 1 then
      return write('<ddddI6dddd', n + requests, i + input, o + output, c + cost, ends2, ln - 1, li - held.input,
        lo - held.output, lc - held.cost)
    end
  end
  local n, i, o, c = read('<dddd', row)
  local lots = ''
  for at = 33, #row, LOT do
    local ends2, ln, li, lo, lc = read('<I6dddd', row, at)
    if ends2 <= now * 2 then
      n, i, o, c = n + ln, i + li, o + lo, c + lc
    elseif ends2 ~= ends * 2 then
      lots = lots .. sub(row, at, at + LOT - 1)
    elseif ln > 1 then
      lots = lots .. write('<I6dddd', ends2, ln - 1, li - held.input, lo - held.output, lc - held.cost)
    end
  end
  return write('<dddd', n + requests, i + input, o + output, c + cost) .. lots
end

-- A row in which one more request will be charged if nobody settles it.
local function held_row(row, now, ends, input, output, cost)
  if #row == 32 + LOT then
    -- Most often the one lot of a row is that of the calls before.
    local n, i, o, c, ends2, ln, li, lo, lc = read('<ddddI6dddd', row)
    if ends2 == ends * 2 then
      return write('<ddddI6dddd', n, i, o, c, ends2, ln + 1, li + input, lo + output, lc + cost)
    end
  end
  local head = write('<I6', ends * 2)
  for at = 33, #row, LOT do
    if sub(row, at, at + 5) == head then
      local n, i, o, c = read('<dddd', row, at + 6)
      return sub(row, 1, at + 5) .. write('<dddd', n + 1, i + input, o + output, c + cost) .. sub(row, at + LOT)
    end
  end
  -- Only here does a row grow: what has ended makes room, since nobody else may ever touch the row.
  if #row > 32 then row = settled_row(row, now, 0, nil, 0, 0, 0, 0) end
  return row .. head .. write('<dddd', 1, input, output, cost)
end
