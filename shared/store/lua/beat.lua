-- A worker lives. ARGV: worker id and what it runs, by a space between them; ms until it counts as gone (0: it leaves)
local now = now_ms()
redis.call('ZADD', 'workers', now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', 'workers', '-inf', now)
return 1
