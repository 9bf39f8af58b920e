-- ARGV: download id, connection id
local connections = 'leases:download:' .. ARGV[1]
redis.call('ZREM', connections, ARGV[2])
redis.call('ZREMRANGEBYSCORE', connections, '-inf', now_ms())
if redis.call('ZCARD', connections) == 0 then redis.call('ZREM', 'leases:downloads', ARGV[1]) end
return 1
