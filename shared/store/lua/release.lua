-- An orderly shutdown gives a task back at once; the run does not count as an attempt.
-- ARGV: task id, run id -> lane, or '' where the task is no longer this run's
local task_id, run_id = ARGV[1], ARGV[2]
local record = read(task_id, 'run_id', 'lane')
if not record or record.run_id ~= run_id or is_final(record) then return '' end
local now = now_ms()
end_run(task_id, run_id)
redis.call('ZADD', DUE[record.lane], now, task_id)
change(task_id, now, 'run_id', '', 'lease_until', 0, 'is_released', '1')
return record.lane
