-- cache -> join -> bound -> create, at once.
-- ARGV: task id if one is created, media id, URL, URL hash, lane, refresh (1/0), bound of the queue, attempts a task has,
--   id of the request or ''
-- -> {outcome, task id, snapshot of the task}; outcome: cached, joined, promoted (joined, and moved to the refresh lane), created
--    or {full}
local MOST_REQUESTS = 8

-- Adds the request to those that a task is worked on for.
local function note_request(task_id, request_id)
  if request_id == '' then return end
  local known, count = redis.call('HGET', task_key(task_id), 'request_ids') or '', 0
  for id in known:gmatch('%S+') do
    if id == request_id then return end
    count = count + 1
  end
  if count == MOST_REQUESTS then return end
  redis.call('HSET', task_key(task_id), 'request_ids', known == '' and request_id or known .. ' ' .. request_id)
end

local new_id, media_id, url, url_hash, lane = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local now = now_ms()
if ARGV[6] == '0' then
  local cached = redis.call('HMGET', 'media:' .. url_hash, 'fresh_until', 'task_id')
  if cached[1] and tonumber(cached[1]) > now then
    local record = read(cached[2])
    if record and record.state == 'completed' then return {'cached', cached[2], snapshot(cached[2])} end
  end
end

local inflight = redis.call('GET', 'inflight:' .. url_hash)
if inflight == new_id then return {'created', new_id, snapshot(new_id)} end -- the answer to the first call was lost
if inflight then
  local record = read(inflight, 'lane')
  if record and not is_final(record) then
    note_request(inflight, ARGV[9])
    if lane == 'refresh' and record.lane ~= 'refresh' then
      redis.call('HSET', task_key(inflight), 'lane', 'refresh')
      for _, queues in ipairs({PENDING, DUE}) do
        local place = redis.call('ZSCORE', queues.analyze, inflight)
        if place then
          redis.call('ZREM', queues.analyze, inflight)
          redis.call('ZADD', queues.refresh, place, inflight)
        end
      end
      return {'promoted', inflight, snapshot(inflight)}
    end
    return {'joined', inflight, snapshot(inflight)}
  end
end

-- A refresh serves a download that is already running: downloads are bounded, so these are.
if lane == 'analyze' and redis.call('ZCARD', 'queue:pending') >= tonumber(ARGV[7]) then return {'full'} end

redis.call('SET', 'inflight:' .. url_hash, new_id, 'PX', TASK_LIFETIME)
redis.call('ZADD', PENDING[lane], redis.call('INCR', 'queue:sequence'), new_id)
change(new_id, now, 'media_id', media_id, 'url', url, 'url_hash', url_hash, 'lane', lane, 'state', 'pending', 'percent', 0,
  'phase', 'queued', 'message', 'Waiting in the queue', 'attempt', 0, 'max_attempts', ARGV[8], 'next_attempt_at', '',
  'created_at', now, 'request_ids', ARGV[9], 'run_id', '', 'lease_until', 0, 'problem', '')
return {'created', new_id, snapshot(new_id)}
