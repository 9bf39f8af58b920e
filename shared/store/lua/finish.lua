-- The final transition, completed or failed.
-- ARGV: task id, run id, 'completed' | 'failed', slots, reserved slots, then
--   failed: problem (JSON)
--   completed: media (JSON), seconds it is fresh, when its sources end (s since 1970), is degraded (1/0), tags (JSON),
--     field, value, … of the sources
-- -> {1, what could run now…}, or {0} where the task is no longer this run's
local task_id, run_id, state = ARGV[1], ARGV[2], ARGV[3]
local record = read(task_id, 'run_id', 'url_hash', 'media_id')
if not record or record.run_id ~= run_id then return {0} end
if is_final(record) then return {1} end -- the answer to the first call was lost
local now = now_ms()
if state == 'completed' then
  local result = {media = ARGV[6], fresh_seconds = ARGV[7], ends = ARGV[8], is_degraded = ARGV[9], tags = ARGV[10], sources = {}}
  for i = 11, #ARGV do table.insert(result.sources, ARGV[i]) end
  complete(task_id, record, now, result)
else
  fail(task_id, now, ARGV[6])
end
close(task_id, run_id, record)
return {1, unpack(wakeable(now, tonumber(ARGV[4]), tonumber(ARGV[5])))}
