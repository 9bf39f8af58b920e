-- The newest result of a video. ARGV: URL hash, media id -> {JSON | false, analyzed at, fresh until, tags | false}
return newest_result(ARGV[1], ARGV[2])
