-- ARGV: task id, run id, percent, phase, message -> 1, or 0 where the task is no longer this run's
local task_id, run_id = ARGV[1], ARGV[2]
local record = read(task_id, 'run_id', 'percent')
if not record or record.run_id ~= run_id or is_final(record) then return 0 end
change(task_id, now_ms(), 'percent', math.max(tonumber(record.percent), tonumber(ARGV[3])), 'phase', ARGV[4], 'message', ARGV[5])
return 1
