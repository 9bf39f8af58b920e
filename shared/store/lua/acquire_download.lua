-- ARGV: download id, connection id, downloads at once, connections of one download at once, lease (ms)
local id, connection, lease = ARGV[1], ARGV[2], tonumber(ARGV[5])
local now = now_ms()
local connections = 'leases:download:' .. id
redis.call('ZREMRANGEBYSCORE', 'leases:downloads', '-inf', now)
redis.call('ZREMRANGEBYSCORE', connections, '-inf', now)
if redis.call('ZCARD', connections) >= tonumber(ARGV[4]) then return 'too_many_connections' end
if not redis.call('ZSCORE', 'leases:downloads', id) and redis.call('ZCARD', 'leases:downloads') >= tonumber(ARGV[3]) then
  return 'too_many_downloads'
end
redis.call('ZADD', 'leases:downloads', now + lease, id)
redis.call('ZADD', connections, now + lease, connection)
redis.call('PEXPIRE', connections, lease * 2)
return 'ok'
