-- ARGV: task id
-- -> {fields of the task, rank in its queue | false, {JSON, analyzed at, fresh until, tags | false} of its result | false}, or false
return snapshot(ARGV[1])
