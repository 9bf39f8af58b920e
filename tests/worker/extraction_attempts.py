"""Attempts against the stand-in, as the tests of the extraction make them; and a token service that does as it is told."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.outcome import Outcome
from functions.analyze.extraction.strategies import PLAIN, Strategy
from shared.schemas import Progress
from shared.settings import Settings
from tests.youtube import YouTube

GENEROUS = 60.0
TOKEN = "QUJDREVGR0hJSktMTU5PUA=="
ANOTHER_TOKEN = "UVBPTk1MS0pJSEdGRURDQg=="


def settings_for(youtube: YouTube, **changes: Any) -> Settings:
    values: dict[str, Any] = {"global_proxy": youtube.http_proxy, "ssl_cert_file": youtube.ca_file, "secret_key": "s" * 32}
    return Settings(**{**values, **changes})


@asynccontextmanager
async def extracting(settings: Settings, **options: Any) -> AsyncIterator[Extractor]:
    async with Extractor.open(settings, **{"children": 1, **options}) as extractor:
        yield extractor


async def attempt(
    extractor: Extractor,
    video_id: str,
    *,
    strategy: Strategy = PLAIN,
    timeout: float = GENEROUS,
    seen: list[Progress] | None = None,
) -> Outcome:
    async def note(progress: Progress) -> None:
        if seen is not None:
            seen.append(progress)

    url = f"https://www.youtube.com/watch?v={video_id}"
    return await extractor.attempt(url, video_id, strategy, timeout=timeout, on_progress=note)


Manner = Literal["good", "error", "explained", "not_json", "malformed", "old", "hanging", "hanging_ping"]


@dataclass
class TokenService:
    """`manner` is how it answers from now on; `asked` are the bodies of the requests for tokens.

    Asked to make a token anew, it makes another one.
    """

    port: int
    manner: Manner = "good"
    asked: list[dict[str, Any]] = field(default_factory=list)
    pings: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ping(self) -> bytes:
        self.pings += 1
        if self.manner == "hanging_ping":
            self.released.wait()
        return json.dumps({"version": "1.3.1" if self.manner == "old" else "2.0.2", "server_uptime": 1}).encode()

    def token(self, body: dict[str, Any]) -> tuple[int, bytes]:
        self.asked.append(body)
        match self.manner:
            case "hanging":
                self.released.wait()
            case "error":
                return 500, b'{"error": "no"}'
            case "explained":
                return 200, b'{"error": "home page: HTTP 429"}'
            case "not_json":
                return 200, b"<html>"
            case "malformed":
                return 200, b'{"poToken": "!!!"}'
        return 200, json.dumps({"poToken": ANOTHER_TOKEN if body["bypass_cache"] else TOKEN}).encode()


@contextmanager
def token_service(manner: Manner = "good", *, port: int = 0) -> Iterator[TokenService]:
    """A service on a port of its own, or on one that was another's."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, service.ping())

        def do_POST(self) -> None:
            self._answer(*service.token(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def _answer(self, status: int, body: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # whoever asked has given up

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        service = TokenService(port=server.server_port, manner=manner)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield service
        finally:
            service.released.set()
            server.shutdown()
            thread.join()
