-- A counter per window. ARGV: name, limit, window (ms) -> {count so far, ms until the window ends}
local key = 'rate:' .. ARGV[1]
local count = redis.call('INCR', key)
if count == 1 then redis.call('PEXPIRE', key, ARGV[3]) end
return {count, redis.call('PTTL', key)}
