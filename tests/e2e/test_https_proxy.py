"""Behind a proxy that is itself reached over TLS, an analysis and a download are what they are behind any other."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from tests.stack import Stack
from tests.tls import HOST, tls_door
from tests.youtube import YouTube, catalogue


def test_analysis_and_download_through_an_https_proxy(new_stack: Callable[..., Stack], youtube: YouTube, tmp_path: Path) -> None:
    with tls_door(youtube.port, tmp_path) as door:
        both = tmp_path / "both.pem"
        both.write_bytes(youtube.ca_file.read_bytes() + door.ca_file.read_bytes())
        credentials = youtube.http_proxy.removeprefix("http://").rpartition("@")[0]
        stack = new_stack(GLOBAL_PROXY=f"https://{credentials}@{HOST}:{door.port}", SSL_CERT_FILE=str(both))
        stack.start("worker", "analyze", "status", "stream")
        task = stack.analyzed(catalogue.ORDINARY)
        assert (task["state"], task["result"]["is_degraded"]) == ("completed", False), task["problem"]
        found = next(item for item in task["result"]["formats"]["video_only"] if item["format_id"] == "137")
        answer = stack.http.get(stack.stream_url(found["stream_url"]))
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).hexdigest() == youtube.media(catalogue.ORDINARY, "137").sha256()
        assert not youtube.requests.leaving
        for process in stack.processes:
            process.stop()
