-- Shared by every script: time, task records, slots, wake-ups. All times are milliseconds of the store's clock.
local TASK_LIFETIME = 86400000 -- a task answers for 24 h after its last change
local RESULT_LIFETIME = TASK_LIFETIME + 3600000 -- as long as any task tells it
local MAX_SOURCE_AGE = 86400000 -- whatever `expire=` of a URL says
local PENDING = {analyze = 'queue:pending', refresh = 'queue:refresh'}
local DUE = {analyze = 'queue:due', refresh = 'queue:due:refresh'} -- by the end of a lease or of a wait

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function task_key(task_id)
  return 'task:' .. task_id
end

-- What a task's attempts leave to each other, as private as the sources in it.
local function trail_key(task_id)
  return 'trail:' .. task_id
end

-- The named fields of a task, or nil where there is no such task.
local function read(task_id, ...)
  local values = redis.call('HMGET', task_key(task_id), 'state', ...)
  if not values[1] then return nil end
  local names, record = {...}, {state = values[1]}
  for i, name in ipairs(names) do record[name] = values[i + 1] or '' end
  return record
end

local function is_final(record)
  return record.state == 'completed' or record.state == 'failed'
end

-- Writes fields, counts the version up, and tells whoever watches.
local function change(task_id, now, ...)
  local key = task_key(task_id)
  redis.call('HSET', key, 'updated_at', now, ...)
  local version = redis.call('HINCRBY', key, 'version', 1)
  redis.call('PEXPIRE', key, TASK_LIFETIME)
  redis.call('PUBLISH', 'events', task_id .. ' ' .. version)
end

-- What the merged files of a video say of themselves, by the moment (ms) since which they do.
local function tags_key(media_id)
  return 'tags:' .. media_id
end

-- All of them, the newest first; none where the record is of another kind.
local function all_tags(media_id)
  local found = redis.pcall('ZRANGE', tags_key(media_id), 0, -1, 'REV')
  return found.err and {} or found
end

-- {JSON, analyzed at, fresh until, the newest tags | false} of the newest result of a video; JSON is false where there is none
local function newest_result(url_hash, media_id)
  local found = redis.call('HMGET', 'media:' .. url_hash, 'json', 'analyzed_at', 'fresh_until')
  table.insert(found, all_tags(media_id)[1] or false)
  return found
end

-- {fields, rank in its queue | false, what newest_result gives | false}, or false
local function snapshot(task_id)
  local fields = redis.call('HGETALL', task_key(task_id))
  if #fields == 0 then return false end
  local record = {}
  for i = 1, #fields, 2 do record[fields[i]] = fields[i + 1] end
  local rank = record.state == 'pending' and redis.call('ZRANK', PENDING[record.lane], task_id) or false
  return {fields, rank, record.state == 'completed' and newest_result(record.url_hash, record.media_id)}
end

local function active(slots, now)
  redis.call('ZREMRANGEBYSCORE', slots, '-inf', now)
  return redis.call('ZCARD', slots)
end

-- Which set of slots this lane may use now, or nil. A refresh has slots of its own and may use free ordinary ones.
local function free_slots(lane, now, capacity, reserved)
  if lane == 'refresh' and active('leases:refreshes', now) < reserved then return 'leases:refreshes' end
  if active('leases:analyses', now) < capacity then return 'leases:analyses' end
  return nil
end

-- How many runs of this lane could begin now.
local function count_free(lane, now, capacity, reserved)
  local free = math.max(0, capacity - active('leases:analyses', now))
  if lane == 'refresh' then free = free + math.max(0, reserved - active('leases:refreshes', now)) end
  return free
end

-- A run is over: its lease and its slot are free.
local function end_run(task_id, run_id)
  redis.call('ZREM', 'leases:analyses', run_id)
  redis.call('ZREM', 'leases:refreshes', run_id)
  redis.call('ZREM', DUE.analyze, task_id)
  redis.call('ZREM', DUE.refresh, task_id)
end

-- Adds [task id, lane, …] of those that still have something to do; the others are forgotten.
local function collect(found, queue, lane, ids)
  for _, task_id in ipairs(ids) do
    local record = read(task_id)
    if record and not is_final(record) then
      table.insert(found, task_id)
      table.insert(found, lane)
    else
      redis.call('ZREM', queue, task_id)
    end
  end
end

-- What could run now, as [task id, lane, …]: of each lane as many as could begin, so that none that must wait stands before one that
-- need not; lapsed leases and ended waits first, then the head of the queue.
local function wakeable(now, capacity, reserved)
  local found = {}
  for _, lane in ipairs({'refresh', 'analyze'}) do
    local free = count_free(lane, now, capacity, reserved)
    if free > 0 then
      collect(found, DUE[lane], lane, redis.call('ZRANGEBYSCORE', DUE[lane], '-inf', now, 'LIMIT', 0, free))
      collect(found, PENDING[lane], lane, redis.call('ZRANGE', PENDING[lane], 0, free - 1))
    end
  end
  return found
end
