-- Shared by the scripts that end a task.

-- Nothing more comes: its run, what its attempts left to each other, and its hold on the video are gone.
local function close(task_id, run_id, record)
  end_run(task_id, run_id)
  redis.call('DEL', trail_key(task_id))
  if redis.call('GET', 'inflight:' .. record.url_hash) == task_id then redis.call('DEL', 'inflight:' .. record.url_hash) end
end

-- A link to a merged file holds for a week, and the file's bytes follow from its tags. Titles are tried out on people and translated:
-- others than the newest are taken only when those have been so for longer than any result that was made with them lasts. Nine, each the
-- newest for more than a day, are those of all links that hold; and every one of these was made within a day after an analysis.
local MOST_TAGS = 9
local TAGS_LIFETIME = 777600000 -- nine days

local function keep_tags(media_id, tags, now)
  local key = tags_key(media_id)
  local newest = all_tags(media_id)[1]
  if not newest then redis.call('DEL', key) end -- what is of another kind
  if newest ~= tags and (not newest or now - tonumber(redis.call('ZSCORE', key, newest)) > RESULT_LIFETIME) then
    redis.call('ZADD', key, now, tags)
    for _, old in ipairs(redis.call('ZRANGE', key, MOST_TAGS, -1, 'REV')) do redis.call('ZREM', key, old) end
  end
  redis.call('PEXPIRE', key, TAGS_LIFETIME)
end

-- result: media (JSON), fresh_seconds, ends (when its sources end, s since 1970), is_degraded ('1' | '0'), tags (JSON), where whoever
-- left it knew of them, sources {field, value, …}
local function complete(task_id, record, now, result)
  local media = 'media:' .. record.url_hash
  local known = redis.call('HMGET', media, 'is_degraded', 'fresh_until')
  -- A complete result that is still fresh says more than a poorer one made since.
  if result.is_degraded == '0' or known[1] ~= '0' or tonumber(known[2]) <= now then
    redis.call('HSET', media, 'json', result.media, 'task_id', task_id, 'is_degraded', result.is_degraded, 'analyzed_at', now,
      'fresh_until', now + result.fresh_seconds * 1000)
  end
  redis.call('PEXPIRE', media, RESULT_LIFETIME)
  if result.tags then keep_tags(record.media_id, result.tags, now) end
  local sources = 'sources:' .. record.media_id
  -- Laid over what was there: a poorer analysis must not take a running download's source away. Each source ends by itself.
  for i = 1, #result.sources, 2 do redis.call('HSET', sources, result.sources[i], result.sources[i + 1]) end
  local ends = math.min(result.ends * 1000, now + MAX_SOURCE_AGE)
  if ends > now + redis.call('PTTL', sources) then redis.call('PEXPIREAT', sources, ends) end
  change(task_id, now, 'state', 'completed', 'percent', 100, 'phase', 'done', 'message', 'Done', 'problem', '', 'lease_until', 0,
    'next_attempt_at', '')
end

local function fail(task_id, now, problem)
  change(task_id, now, 'state', 'failed', 'phase', 'done', 'message', 'Failed', 'problem', problem, 'lease_until', 0,
    'next_attempt_at', '')
end

-- The best result that earlier attempts left, or nil.
local function best_of(task_id)
  local fields, best = redis.call('HGETALL', trail_key(task_id)), {sources = {}}
  for i = 1, #fields, 2 do
    if fields[i]:find(':', 1, true) then
      table.insert(best.sources, fields[i])
      table.insert(best.sources, fields[i + 1])
    else
      best[fields[i]] = fields[i + 1]
    end
  end
  return best.media and best
end
