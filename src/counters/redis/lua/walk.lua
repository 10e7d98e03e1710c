-- Walk a part of what an organization counts and reserves. Changes nothing.
--
-- KEYS    1 the organization's shared hash
-- ARGV    1 <d ms: 0, or in tests the time>
--         2 'shared': the fields of the shared hash, 'own': principals' hashes, 'records': of reservations
--         3 the cursor of the part before; '0': the first
--         4 a pattern of keys
--         5 about how many fields or keys to look at
--         6 <d ms>: records that end from then on are counted and not told
-- Reply   head and state (drift.lua), the next cursor ('0': this was the last part), then
--         for 'shared' and 'own'   key, { field, cell, ... } ...   without cells that hold no lot
--         for 'records'            <I4 open> <d the shortest span from reserving to end, ms>, then key, record ...   of open ones

local shared, now = KEYS[1], time((read('<d', ARGV[1])))
local reply = reply_head(shared, now)

local function put(value) reply[#reply + 1] = value end

-- The lots of what is no sliding cell begin after 12 bytes. A sliding cell is told always.
local function with_lots(fields)
  local kept = {}
  for at = 1, #fields, 2 do
    if #fields[at + 1] > 12 and fields[at] ~= '#' then
      kept[#kept + 1], kept[#kept + 2] = fields[at], fields[at + 1]
    end
  end
  return kept
end

local function put_open(keys, before)
  local open, shortest, told = 0, NEVER, {}
  for _, key in ipairs(keys) do
    local record = call('GET', key)
    local state, ends2, at = read('<BI6I6', record or '\255\0\0\0\0\0\0\0\0\0\0\0\0')
    local ends = ends2 / 2
    if state < SETTLED and ends > now then
      open = open + 1
      if ends - at < shortest then shortest = ends - at end
      if ends < before then told[#told + 1], told[#told + 2] = key, record end
    end
  end
  put(write('<I4d', open, shortest))
  for _, part in ipairs(told) do put(part) end
end

if ARGV[2] == 'shared' then
  local part = call('HSCAN', shared, ARGV[3], 'COUNT', ARGV[5])
  put(part[1])
  put(shared)
  put(with_lots(part[2]))
else
  local part = call('SCAN', ARGV[3], 'MATCH', ARGV[4], 'COUNT', ARGV[5])
  put(part[1])
  if ARGV[2] == 'records' then
    put_open(part[2], read('<d', ARGV[6]))
  else
    for _, key in ipairs(part[2]) do
      put(key)
      put(with_lots(call('HGETALL', key)))
    end
  end
end
return reply
