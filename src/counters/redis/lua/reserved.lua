-- How cells hold what is reserved.

-- A sliding cell with more reserved.
local function reserve_sliding(cell, window, at, head, key, amount)
  local used, reserved, next = read('<ddI6', cell)
  local lot = find_lot(cell, 23, head, 23)
  local sum = lot and read('<d', cell, lot + 11) + amount
  if sum and sum <= MOST then
    -- Its events are known. A cell is long, so each copy of it that is not made counts.
    return sums_of(used, reserved + amount, next) .. sub(cell, 23, lot + 10) .. write('<d', sum) .. sub(cell, lot + 19)
  end
  local event = event_of(window, floor(at / step_ms(window)), key)
  return with_sums(add(cell, 23, head, amount), used, reserved + amount, event < next and event or next)
end

-- A sliding cell with less reserved.
local function unreserve_sliding(cell, head, amount)
  local used, reserved, next = read('<ddI6', cell)
  local lacked
  cell, lacked = take(cell, 23, head, amount)
  return with_sums(cell, used, reserved - amount + lacked, next)
end

-- A cell, brought up to date, with more reserved until an instant.
local function reserve_in(cell, window, label, now, ends, gives_back, amount)
  if window <= MINUTE then
    local head, key = lot_head(window, now, ends, gives_back)
    return reserve_sliding(cell or EMPTY_SLIDING, window, now, head, key, amount)
  end
  local key = ends * 4 + ((gives_back or window == IN_FLIGHT) and 1 or 0)
  if not cell then return write('<I4dI6d', label, 0, key, amount) end
  if #cell == 26 then
    -- Most often the one lot of a cell is that of the calls before.
    local from, used, lot, held = read('<I4dI6d', cell)
    if lot == key and held + amount <= MOST then return write('<I4dI6d', from, used, lot, held + amount) end
  end
  return add(cell, 13, write('<I6', key), amount)
end
