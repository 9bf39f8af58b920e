-- An attempt failed and another one follows after a wait.
-- ARGV: task id, run id, wait (ms), problem (JSON), message, slots, reserved slots, field, value, … of what it leaves to the next
-- -> {1, what could run now…}, or {0} where the task is no longer this run's
local task_id, run_id = ARGV[1], ARGV[2]
local record = read(task_id, 'run_id', 'lane')
if not record or record.run_id ~= run_id or is_final(record) then return {0} end
local now = now_ms()
local due = now + tonumber(ARGV[3])
end_run(task_id, run_id)
redis.call('ZADD', DUE[record.lane], due, task_id)
local trail = trail_key(task_id)
redis.call('DEL', trail)
for i = 8, #ARGV, 2 do redis.call('HSET', trail, ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', trail, TASK_LIFETIME)
change(task_id, now, 'phase', 'waiting', 'message', ARGV[5], 'problem', ARGV[4], 'next_attempt_at', due, 'run_id', '', 'lease_until', 0)
return {1, unpack(wakeable(now, tonumber(ARGV[6]), tonumber(ARGV[7])))}
