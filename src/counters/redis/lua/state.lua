-- What the shared hash says of itself, in its field '#':
--   <I6 expires ms> <I4 labels of hour, day, week, month> <I6 their ends ms> <8 bytes epoch>
-- The labels are those that some replica has reached, so that no counter's window goes back whoever calls. The epoch is
-- made with the hash: one that has changed says that this server lost what it held.

local DAY_MS = 86400000
local SHARED_LEAST_MS = 35 * DAY_MS
local SLACK_MS = 60000

local last_windows, last_state, labels, ends, state_is_behind

-- The windows that are open: the later of what the caller proposes and of what was reached.
-- proposed: <I6 until ms> <I4 labels> <I6 ends>. Returns false where they are over.
local function open_windows(proposed, state, now)
  if proposed ~= last_windows or state ~= last_state then
    last_windows, last_state, state_is_behind = proposed, state, not state
    local p = { read('<I6I4I4I4I4I6I6I6I6', proposed) }
    labels, ends = { [7] = 0 }, { [0] = p[1] }
    local s = state and { read('<I6I4I4I4I4I6I6I6I6', state) } or p
    for window = 3, 6 do
      local at = window - 1
      -- An edited time zone keeps the label and moves its end: the later one holds until all replicas have the edit.
      local later = p[at] > s[at] or p[at] == s[at] and p[at + 4] > s[at + 4]
      state_is_behind = state_is_behind or later
      labels[window] = later and p[at] or s[at]
      ends[window] = later and p[at + 4] or s[at + 4]
    end
  end
  return now < ends[0]
end

-- Empty where nothing is counted yet.
local function epoch_of(state)
  return state and sub(state, 47, 54) or ''
end

-- Write what changed in the shared hash, keep it for another while where it is due, and return its field '#'.
local function keep_shared(shared, state, changed, now, salt)
  local expires = state and read('<I6', state) or 0
  local renews = expires < now + SHARED_LEAST_MS
  if renews or state_is_behind then
    if renews then expires = now + SHARED_MS end
    state = write('<I6I4I4I4I4I6I6I6I6', expires, labels[3], labels[4], labels[5], labels[6], ends[3], ends[4], ends[5],
      ends[6]) .. (state and epoch_of(state) or write('<I6', now) .. salt)
    changed[#changed + 1], changed[#changed + 2] = '#', state
  end
  if #changed > 0 then call('HSET', shared, rest(changed)) end
  if renews then call('PEXPIRE', shared, SHARED_MS) end
  return state
end

-- Write what changed in a principal's hash, and keep it while one of its counters can mean anything. Its field '#' is
-- <I6 expires ms>, so that most calls need not set the expiry again.
local function keep_own(own, state, changed, needed, now)
  if #changed == 0 then return end
  local expires = state and read('<I6', state) or 0
  local renews = expires < needed
  if renews then
    expires = math.ceil(needed) + SLACK_MS
    changed[#changed + 1], changed[#changed + 2] = '#', write('<I6', expires)
  end
  call('HSET', own, rest(changed))
  if renews then call('PEXPIRE', own, expires - now) end
end

-- Until when a counter can mean anything. ends_at: of a reservation in it.
local function needed_until(window, now, ends_at)
  if window == IN_FLIGHT then return ends_at end
  if window <= MINUTE then return now + 11 * step_ms(window) end
  -- A replica with another time zone may hold the window open for longer than this one says.
  return math.max(ends[window], now) + (window > HOUR and 2 * DAY_MS or 0)
end
