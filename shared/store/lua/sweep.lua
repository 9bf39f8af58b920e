-- ARGV: slots, reserved slots -> what could run now and may have lost its message
return wakeable(now_ms(), tonumber(ARGV[1]), tonumber(ARGV[2]))
