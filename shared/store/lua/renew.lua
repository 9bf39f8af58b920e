-- Heartbeat of a run. ARGV: task id, run id, lease (ms) -> 1, or 0 where the task is no longer this run's
local task_id, run_id = ARGV[1], ARGV[2]
local record = read(task_id, 'run_id', 'slots', 'lane')
if not record or record.run_id ~= run_id or is_final(record) then return 0 end
local deadline = now_ms() + tonumber(ARGV[3])
redis.call('HSET', task_key(task_id), 'lease_until', deadline)
redis.call('ZADD', DUE[record.lane], deadline, task_id)
redis.call('ZADD', record.slots, deadline, run_id)
return 1
