-- The final transition, completed or failed.
-- ARGV: task id, run id, 'completed' | 'failed', slots, reserved slots, then
--   failed: problem (JSON)
--   completed: media (JSON), seconds it is fresh, when its sources end (s since 1970), is degraded (1/0), field, value, … of the sources
-- -> {1, what could run now…}, or {0} where the task is no longer this run's
local task_id, run_id, state = ARGV[1], ARGV[2], ARGV[3]
local record = read(task_id, 'run_id', 'url_hash', 'media_id')
if not record or record.run_id ~= run_id then return {0} end
if is_final(record) then return {1} end -- the answer to the first call was lost
local now = now_ms()
if state == 'completed' then
  local media, is_degraded = 'media:' .. record.url_hash, ARGV[9]
  local known = redis.call('HMGET', media, 'is_degraded', 'fresh_until')
  -- A complete result that is still fresh says more than a poorer one made since.
  if is_degraded == '0' or known[1] ~= '0' or tonumber(known[2]) <= now then
    redis.call('HSET', media, 'json', ARGV[6], 'task_id', task_id, 'is_degraded', is_degraded, 'analyzed_at', now,
      'fresh_until', now + ARGV[7] * 1000)
  end
  redis.call('PEXPIRE', media, TASK_LIFETIME + 3600000)
  local sources = 'sources:' .. record.media_id
  -- Laid over what was there: a poorer analysis must not take a running download's source away. Each source ends by itself.
  for i = 10, #ARGV, 2 do redis.call('HSET', sources, ARGV[i], ARGV[i + 1]) end
  local ends = math.min(ARGV[8] * 1000, now + MAX_SOURCE_AGE)
  if ends > now + redis.call('PTTL', sources) then redis.call('PEXPIREAT', sources, ends) end
  change(task_id, now, 'state', state, 'percent', 100, 'phase', 'done', 'message', 'Done', 'problem', '', 'lease_until', 0)
else
  change(task_id, now, 'state', state, 'phase', 'done', 'message', 'Failed', 'problem', ARGV[6], 'lease_until', 0)
end
end_run(task_id, run_id)
if redis.call('GET', 'inflight:' .. record.url_hash) == task_id then redis.call('DEL', 'inflight:' .. record.url_hash) end
return {1, unpack(wakeable(now, tonumber(ARGV[4]), tonumber(ARGV[5])))}
