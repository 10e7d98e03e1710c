-- The record of a reservation, open or remembered:
--
--   <B state> <I6 2 x when it ends or closed> <I6 reserved at, ms>
--   <I4 hour> <I3 day> <I3 week> <I2 month>   labels of the windows that it was reserved in
--   <B wide> <9 bytes secret> <amounts: narrow <I4 input> <I4 output> <I5 cost>, wide <d> <d> <d>>
--   <B number of counters> <B counter>...     32 x scope + 0 in flight, or 6 x (metric - 1) + window
--   'role price annotated-price model ...'    record.ts; a settled one keeps no counters, no price and nothing after the model
--   '\n' <B index>...                         where limits in shadow refused: their places among its counters, from 1
--
-- A price is 'denominator,input,cached,output,page,second' in nano-USD, without what is 0 at its end; empty: no price.

local OPEN_CHARGE, OPEN_RELEASE, SETTLED, LATE, RELEASED = 0, 1, 2, 3, 4
local SECRET, AMOUNTS = 27, 36

local function open_record(gives_back, ends_at, now)
  return write('<BI6I6I4I3I3I2', gives_back and OPEN_RELEASE or OPEN_CHARGE, ends_at * 2, now, labels[3], labels[4],
    labels[5], labels[6])
end

local function ended_at(record)
  return read('<I6', record, 2) / 2
end

-- A record's parts, where it is remembered and, if a secret is given, is the one that the secret names.
local function recall(record, secret, now)
  if not record or (secret ~= '' and sub(record, SECRET, SECRET + 8) ~= secret) then return nil end
  local state, ends2, at, hour, day, week, month, wide = read('<BI6I6I4I3I3I2B', record)
  if now >= ends2 / 2 + MEMORY_MS then return nil end
  local input, output, cost, next = read(wide == 1 and '<ddd' or '<I4I4I5', record, AMOUNTS)
  local count = string.byte(record, next)
  local tail = sub(record, next + 1 + count)
  local role, price, annotated, model = string.match(tail, '^(%S*) (%S*) (%S*) (%S*)')
  return {
    text = record, state = state, ends = ends2 / 2, at = at, labels = { 0, 0, hour, day, week, month, 0 },
    input = input, output = output, cost = cost, counters = sub(record, next + 1, next + count),
    role = role, price = price, annotated = annotated, model = model,
    is_open = state < SETTLED and ends2 / 2 > now,
    was_charged = state == OPEN_CHARGE,
  }
end

-- Change the cells of a record's counters. change(cell, window, charge metric) returns the cell; nil: unchanged.
local function change_cells(shared, own, record, workspace, change)
  local fields, kinds, metrics, split = {}, {}, {}, 0
  for i = 1, #record.counters do
    local code = string.byte(record.counters, i)
    local scope, kind = floor(code / 32), code % 32
    local window = kind == 0 and IN_FLIGHT or (kind - 1) % 6 + 1
    local metric = kind == 0 and 6 or floor((kind - 1) / 6) + 1
    local field = sub('rtiouc', metric, metric) .. sub('smhdwMf', window, window)
    if scope == 1 then
      field = field .. ' ' .. workspace
    elseif scope == 2 or scope == 3 then
      field = field .. ' ' .. workspace .. ' ' .. record.role
    end
    fields[i], kinds[i], metrics[i] = field, window, metric
    if scope < 3 then split = i end
  end
  local function change_hash(hash, first, last)
    if last < first then return end
    local values, changed = call('HMGET', hash, '#', rest(fields, first, last)), {}
    for i = first, last do
      local cell = change(values[i - first + 2] or nil, kinds[i], metrics[i])
      if cell then changed[#changed + 1], changed[#changed + 2] = fields[i], cell end
    end
    if #changed == 0 then return end
    call('HSET', hash, rest(changed))
    -- The hash was taken from under its reservation. What is written now must not stay for good.
    if not values[1] then call('PEXPIRE', hash, SHARED_MS) end
  end
  change_hash(shared, 1, split)
  change_hash(own, split + 1, #fields)
end

-- Give a record's amounts back where it is open, and change what is used. used: by metric; nil: nothing is used.
local function settle_cells(shared, own, record, workspace, used, now)
  local estimate = charges_of(record.input, record.output, record.cost)
  change_cells(shared, own, record, workspace, function(cell, window, metric)
    local label, step = record.labels[window], nil
    if window <= MINUTE then
      step = floor(record.at / step_ms(window))
      if step <= now / step_ms(window) - 11 then return nil end
    end
    if cell then
      if window > MINUTE and window < IN_FLIGHT and read('<I4', cell) > label then return nil end
      cell = advance(cell, window, label, now)
    end
    if record.is_open and cell then
      local head = lot_head(window, record.at, record.ends, record.state == OPEN_RELEASE)
      cell = take(cell, first_lot(window), head, estimate[metric])
    end
    if not used or window == IN_FLIGHT then return cell end
    local change = used[metric] - ((not record.is_open and record.was_charged) and estimate[metric] or 0)
    if step then return use_in_sliding(cell or '', step, change) end
    return use_in_calendar(cell or write('<I4d', label, 0), change)
  end)
end
