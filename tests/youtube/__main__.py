"""`python -m tests.youtube [--port N] [--user U --password P]`: try Sluice without YouTube."""

import argparse
import signal
import sys

from .catalogue import VIDEOS
from .server import YouTube


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.youtube", description="A stand-in for YouTube behind a proxy on this machine."
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user")
    parser.add_argument("--password")
    options = parser.parse_args()
    endings = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)  # before there are threads, so that only this one waits for them
    with YouTube.running(port=options.port, username=options.user, password=options.password) as youtube:
        lines = [
            f"GLOBAL_PROXY={youtube.http_proxy}",
            f"          or {youtube.socks_proxy}",
            f"SSL_CERT_FILE={youtube.ca_file}",
            "",
        ]
        lines += [f"https://www.youtube.com/watch?v={video.video_id}  {video.title!r}" for video in VIDEOS.values()]
        sys.stdout.write("\n".join([*lines, ""]))
        sys.stdout.flush()
        signal.sigwait(endings)


if __name__ == "__main__":
    main()
