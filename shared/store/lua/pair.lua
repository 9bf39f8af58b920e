-- What a merged file is made of. ARGV: media id, format id of the video, of the sound
-- -> {source (JSON) | false, source (JSON) | false, {tags (JSON), the newest first}}
local sources = redis.call('HMGET', 'sources:' .. ARGV[1], 'format:' .. ARGV[2], 'format:' .. ARGV[3])
return {sources[1], sources[2], all_tags(ARGV[1])}
