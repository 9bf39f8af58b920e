-- ARGV: download id, connection id, lease (ms). A lease lost to an outage is taken again: the download is running.
local id, lease = ARGV[1], tonumber(ARGV[3])
local now = now_ms()
redis.call('ZADD', 'leases:downloads', now + lease, id)
redis.call('ZADD', 'leases:download:' .. id, now + lease, ARGV[2])
redis.call('PEXPIRE', 'leases:download:' .. id, lease * 2)
return 1
