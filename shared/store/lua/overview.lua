-- How the whole stands. -> {workers alive, each as in beat.lua, downloads running, ordinary slots taken, reserved slots taken,
--   then for the lane of analyses and that of refreshes: tasks waiting, ms the first of them has waited, due, scheduled}
local now = now_ms()

local function alive(key)
  return redis.call('ZCOUNT', key, '(' .. now, '+inf')
end

local found = {redis.call('ZRANGE', 'workers', '(' .. now, '+inf', 'BYSCORE'), alive('leases:downloads'), alive('leases:analyses'), alive('leases:refreshes')}
for _, lane in ipairs({'analyze', 'refresh'}) do
  local first = redis.call('ZRANGE', PENDING[lane], 0, 0)[1]
  local since = first and redis.call('HGET', task_key(first), 'created_at') or now
  table.insert(found, redis.call('ZCARD', PENDING[lane]))
  table.insert(found, now - tonumber(since))
  table.insert(found, redis.call('ZCOUNT', DUE[lane], '-inf', now))
  table.insert(found, alive(DUE[lane]))
end
return found
