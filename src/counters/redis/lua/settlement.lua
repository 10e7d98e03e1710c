-- How the counters of a reservation are changed by its end.

-- Where the price at a position ends.
local function after_price(record, at)
  local count, width = read('BB', record, at)
  if count == 0 then return at + 1 end
  return at + 2 + (width > 0 and count * width or count)
end

-- A record's parts, where it is remembered and, if a secret is given, is the one that the secret names.
local function recall(record, secret, now)
  if not record or (secret ~= '' and sub(record, SECRET, SECRET + 8) ~= secret) then return nil end
  local state, ends2, at, hour, day, week, month, wide = read('<BI6I6I4I3I3I2B', record)
  local ends = ends2 / 2
  if now >= ends + MEMORY_MS then return nil end
  local input, output, cost, next = read(wide % 2 == 1 and '<ddd' or '<I3I3I4', record, 36)
  local counters, price = read('Bc0', record, next)
  local annotated = after_price(record, price)
  local role, model = read('Bc0Bc0', record, after_price(record, annotated))
  return {
    text = record, state = state, ends = ends, at = at, labels = { 0, 0, hour, day, week, month, 0 },
    input = input, output = output, cost = cost, counters = counters, price = price, annotated = annotated,
    role = role, model = model, is_open = state < SETTLED and ends > now,
  }
end

-- The fields of counters, and what they are. Calls are often alike, and in a function's life not without end.
local KINDS = 'cfrsrmrhrdrwrMtstmthtdtwtMisimihidiwiMosomohodowoMusumuhuduwuM'
local MOST_KNOWN = 100
local known_fields, known_count = {}, 0
local function fields_of(counters, workspace, role)
  -- Names first: they hold no space, and a counter's byte may be any.
  local name = workspace .. ' ' .. role .. ' ' .. counters
  local known = known_fields[name]
  if known then return known end
  known = { windows = {}, metrics = {}, split = 0 }
  for i = 1, #counters do
    local code = string.byte(counters, i)
    local scope, kind = floor(code / 32), code % 32
    local window = kind == 0 and IN_FLIGHT or (kind - 1) % 6 + 1
    local metric = kind == 0 and 6 or floor((kind - 1) / 6) + 1
    local field = sub(KINDS, kind * 2 + 1, kind * 2 + 2)
    if scope == 1 then
      field = field .. ' ' .. workspace
    elseif scope == 2 or scope == 3 then
      field = field .. ' ' .. workspace .. ' ' .. role
    end
    known[i], known.windows[i], known.metrics[i] = field, window, metric
    if scope < 3 then known.split = i end
  end
  if known_count == MOST_KNOWN then known_fields, known_count = {}, 0 end
  known_fields[name], known_count = known, known_count + 1
  return known
end

-- Whether a calendar window has turned since, as far as the shared hash says.
local function has_turned(state, window, label)
  return state and window > MINUTE and window < IN_FLIGHT and read('<I4', state, window * 4 - 5) > label
end

-- A sliding cell in which an amount goes from what is reserved to what is used, where both lots stand there and stay; nil
-- where they do not. At once, because a cell is long and each copy of it counts.
local function move_in_sliding(cell, head, estimate, step, change)
  local from = find_lot(cell, 23, head, 23)
  local to = from and find_lot(cell, 23, write('<I5I6', step, 0), 23)
  if not to or change <= 0 then return nil end
  local held, total = read('<d', cell, from + 11) - estimate, read('<d', cell, to + 11) + change
  if held <= 0 or total > MOST then return nil end
  local used, reserved, next = read('<ddI6', cell)
  if from > to then from, to, held, total = to, from, total, held end
  return sums_of(used + change, reserved - estimate, next) .. sub(cell, 23, from + 10) .. write('<d', held)
    .. sub(cell, from + 19, to + 10) .. write('<d', total) .. sub(cell, to + 19)
end

-- A cell after the end of a reservation; nil: unchanged. estimate, change: of the cell's metric.
local function settled_cell(cell, window, record, state, estimate, change, now)
  local label = record.labels[window]
  -- What is gone holds nothing that could be given back, and a window that is over takes nothing more.
  if not cell and (change == 0 or has_turned(state, window, label)) then return nil end
  if window <= MINUTE then
    local step = floor(record.at / step_ms(window))
    if step <= now / step_ms(window) - 11 then return nil end
    cell = cell and advance(cell, window, label, now) or EMPTY_SLIDING
    if record.is_open then
      local head = lot_head(window, record.at, record.ends, record.state == OPEN_RELEASE)
      local moved = move_in_sliding(cell, head, estimate, step, change)
      if moved then return moved end
      cell = unreserve_sliding(cell, head, estimate)
    end
    return use_in_sliding(cell, window, step, change)
  end
  local gives_back = record.state == OPEN_RELEASE or window == IN_FLIGHT
  local key = record.ends * 4 + (gives_back and 1 or 0)
  if cell and #cell == 26 and record.is_open then
    -- Most often the one lot of a cell is the reservation's.
    local from, used, lot, held = read('<I4dI6d', cell)
    if from == label and lot == key and held >= estimate and used + change <= MOST and change >= 0 then
      if held == estimate then return write('<I4d', from, used + change) end
      return write('<I4dI6d', from, used + change, lot, held - estimate)
    end
  end
  if cell and window < IN_FLIGHT and read('<I4', cell) > label then return nil end
  cell = advance(cell, window, label, now) or write('<I4d', label, 0)
  if record.is_open then cell = take(cell, 13, write('<I6', key), estimate) end
  return change == 0 and cell or use_in_calendar(cell, change)
end

-- What is to be written into one hash: fields and cells in turns. Writes nothing yet.
local function changed_cells(values, fields, first, last, record, state, estimate, used, now)
  local changed = {}
  local charged = not record.is_open and record.state == OPEN_CHARGE
  for i = first, last do
    local window, metric = fields.windows[i], fields.metrics[i]
    local change = 0
    if used and window < IN_FLIGHT then change = used[metric] - (charged and estimate[metric] or 0) end
    local cell = settled_cell(values[i - first + 2] or nil, window, record, state, estimate[metric], change, now)
    if cell then changed[#changed + 1], changed[#changed + 2] = fields[i], cell end
  end
  return changed
end

local function write_cells(hash, state, changed)
  if #changed == 0 then return end
  call('HSET', hash, rest(changed))
  -- The hash was taken from under its reservation. What is written now must not stay for good.
  if not state then call('PEXPIRE', hash, SHARED_MS) end
end

-- The row of totals after the end of a reservation: its day's hash, its field, the row, whether the day begins with it; nil:
-- unchanged. It counts on the day that it was reserved on, also when that is over.
local function total_after(shared, own, record, workspace, used, now)
  local holds = record.state == OPEN_CHARGE
  if not used and not holds then return nil end
  local day = day_key(shared, record.labels[4])
  local field, row, is_first = find_row(day, workspace .. ' ' .. sub(own, #shared + 2) .. ' ' .. record.model)
  if not used then return day, field, settled_row(row, now, record.ends, record, 0, 0, 0, 0), is_first end
  -- A row that is lost holds no estimate either.
  if holds and not record.is_open and row ~= NO_ROW then
    local input, output, cost = used[3] - record.input, used[4] - record.output, used[5] - record.cost
    return day, field, settled_row(row, now, 0, record, 0, input, output, cost), is_first
  end
  return day, field, settled_row(row, now, holds and record.ends or 0, record, 1, used[3], used[4], used[5]), is_first
end

-- Give a record's amounts back where it is open, and change what is used. used: by metric; nil: nothing is used.
-- All is read before anything is written, so that what cannot be read keeps all of it from being changed.
local function settle_cells(shared, own, record, workspace, used, now)
  local estimate = charges_of(record.input, record.output, record.cost)
  local fields = fields_of(record.counters, workspace, record.role)
  local split, count = fields.split, #fields
  local values = call('HMGET', shared, '#', rest(fields, 1, split))
  local owned = split < count and call('HMGET', own, '#', rest(fields, split + 1, count)) or {}
  local changed = changed_cells(values, fields, 1, split, record, values[1], estimate, used, now)
  local own_changed = changed_cells(owned, fields, split + 1, count, record, values[1], estimate, used, now)
  local day, total, row, is_first = total_after(shared, own, record, workspace, used, now)
  write_cells(shared, values[1], changed)
  write_cells(own, owned[1], own_changed)
  if row then write_row(day, total, row, is_first) end
end
