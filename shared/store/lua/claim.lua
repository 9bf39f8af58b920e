-- One run takes a task, if it is due, free, and there is a slot.
-- ARGV: task id, run id, lease (ms), slots, slots reserved for refreshes, problem (JSON) of a task killed too often
-- -> {'claimed', media id, attempt, max attempts, lane, last problem (JSON), {field, value, …} of what the last attempt left,
--     request ids, ms since it was submitted}
--    or {unknown | final | held | not_due | no_slot | not_next | exhausted}; exhausted ends with the best of earlier results, if any
local task_id, run_id = ARGV[1], ARGV[2]
local now = now_ms()
local record = read(task_id, 'lease_until', 'run_id', 'next_attempt_at', 'attempt', 'max_attempts', 'lane', 'media_id', 'url_hash',
  'problem', 'is_released', 'request_ids', 'created_at')
if not record then return {'unknown'} end
if is_final(record) then return {'final'} end

local function claimed(attempt)
  return {'claimed', record.media_id, tostring(attempt), record.max_attempts, record.lane, record.problem,
    redis.call('HGETALL', trail_key(task_id)), record.request_ids, now - tonumber(record.created_at)}
end

if tonumber(record.lease_until) > now then
  -- The same run asks again when the answer to its first call was lost.
  if record.run_id == run_id then return claimed(record.attempt) end
  return {'held'}
end
if record.next_attempt_at ~= '' and tonumber(record.next_attempt_at) > now then return {'not_due'} end

-- An orderly shutdown gave the task back: that run does not count.
local attempt = tonumber(record.attempt)
if record.is_released ~= '1' then attempt = attempt + 1 end
if attempt > tonumber(record.max_attempts) then
  redis.call('HSET', task_key(task_id), 'run_id', '') -- whoever held it may still be alive
  local best = best_of(task_id)
  if best then complete(task_id, record, now, best) else fail(task_id, now, ARGV[6]) end
  close(task_id, record.run_id, record)
  return {'exhausted'}
end

local capacity, reserved = tonumber(ARGV[4]), tonumber(ARGV[5])
local slots = free_slots(record.lane, now, capacity, reserved)
if not slots then return {'no_slot'} end
-- Who submits now does not overtake who waits: those before it in its queue have their own wake-ups, or get them from the sweeper.
local rank = redis.call('ZRANK', PENDING[record.lane], task_id)
if rank and rank >= count_free(record.lane, now, capacity, reserved) then return {'not_next'} end

end_run(task_id, record.run_id) -- what a killed run left behind
redis.call('ZREM', PENDING[record.lane], task_id)
local deadline = now + tonumber(ARGV[3])
redis.call('ZADD', slots, deadline, run_id)
redis.call('ZADD', DUE[record.lane], deadline, task_id)
change(task_id, now, 'state', 'processing', 'run_id', run_id, 'lease_until', deadline, 'attempt', attempt, 'next_attempt_at', '',
  'is_released', '', 'slots', slots)
return claimed(attempt)
