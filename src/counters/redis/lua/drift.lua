-- What the scripts of the drift check begin with, after cells.lua.

-- Which server this is. Another one walks its keys in another order and may lack the newest writes, so that nothing read
-- from both must be compared. '' where INFO is not allowed: then only the connection tells of a change.
local function server_id()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
end

-- What each reply begins with: <d now ms> and the server's id, then the field '#' of the shared hash (state.lua) or ''.
local function reply_head(shared, now)
  return { write('<d', now) .. server_id(), call('HGET', shared, '#') or '' }
end
