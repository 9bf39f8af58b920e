"""What reached the stand-in."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Condition
from typing import Any, Literal, overload
from urllib.parse import parse_qs

Kind = Literal[
    "page",
    "iframe",
    "next",
    "player",
    "player_js",
    "media",
    "manifest",
    "caption",
    "thumbnail",
    "extra",
    "unknown",
    "connect",
    "proxy",
    "outside",
]
"""What is asked for; "extra" is a host played by the test.

The last three never got further than the proxy: a refused CONNECT, wrong credentials, an attempt to leave.
"""


@dataclass(eq=False, kw_only=True)
class Request:
    """One request; the fields after `started` change while it is answered.

    `target` is path and query as sent. Header names are lower case. `range` is first and last byte as asked for, by header or by
    `&range=`; last is None in "bytes=5-".
    `concurrency` counts the media requests under way when it came, itself included. Times are of time.monotonic().
    `status` is 0 until an answer is chosen; `bytes_sent` counts the body as handed to the socket.
    """

    kind: Kind
    host: str
    method: str = "CONNECT"
    target: str = ""
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    connection: int = 0
    range: tuple[int, int | None] | None = None
    started: float = field(default_factory=time.monotonic)
    concurrency: int = 0
    status: int = 0
    bytes_sent: int = 0
    ended: float | None = None

    @cached_property
    def json(self) -> Any:
        """The body of an innertube call, {} for anything else."""
        return json.loads(self.body) if self.body.startswith(b"{") else {}

    @property
    def client(self) -> str | None:
        """The innertube client, e.g. "TVHTML5": of an API call from its body, of a media URL from `c`."""
        name = self.json.get("context", {}).get("client", {}).get("clientName", self.query.get("c"))
        return str(name) if name else None

    @property
    def video_id(self) -> str | None:
        if self.kind == "thumbnail":
            return next(iter(self.path.split("/")[2:3]), None)
        video_id = self.json.get("videoId") or self.query.get("v") or self.query.get("id", "").removeprefix("o-")
        return str(video_id) if video_id else None

    @property
    def itag(self) -> int | None:
        return int(self.query["itag"]) if self.query.get("itag", "").isdigit() else None

    @property
    def po_token(self) -> str | None:
        """The PO token of a media or caption URL, or of a player call."""
        token = self.query.get("pot") or self.json.get("serviceIntegrityDimensions", {}).get("poToken")
        return str(token) if token else None

    @property
    def has_po_token(self) -> bool:
        return self.po_token is not None


class RequestLog(Sequence[Request]):
    """The requests in the order they came; thread safe, and every reading is a snapshot."""

    def __init__(self) -> None:
        self._requests: list[Request] = []
        self._media_under_way = 0
        self._changed = Condition()

    def begin(self, request: Request) -> None:
        with self._changed:
            self._media_under_way += request.kind == "media"
            request.concurrency = self._media_under_way
            self._requests.append(request)
            self._changed.notify_all()

    def end(self, request: Request) -> None:
        with self._changed:
            self._media_under_way -= request.kind == "media"
            request.ended = time.monotonic()
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._requests.clear()

    def of(self, *kinds: Kind) -> list[Request]:
        """The requests of these kinds."""
        return [request for request in self if request.kind in kinds]

    @property
    def media(self) -> list[Request]:
        return self.of("media")

    @property
    def leaving(self) -> list[Request]:
        """Attempts to reach a host that the stand-in does not play, or any address by number."""
        return self.of("outside")

    def wait_for(self, condition: Callable[[list[Request]], bool], *, timeout: float = 10) -> list[Request]:
        """The requests, as soon as the condition holds for them; TimeoutError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition(list(self._requests)):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not seen among {len(self._requests)} requests")
                self._changed.wait(0.01)  # bytes_sent grows without notice
            return list(self._requests)

    def __len__(self) -> int:
        with self._changed:
            return len(self._requests)

    def __iter__(self) -> Iterator[Request]:
        with self._changed:
            return iter(list(self._requests))

    @overload
    def __getitem__(self, index: int) -> Request: ...
    @overload
    def __getitem__(self, index: slice) -> list[Request]: ...
    def __getitem__(self, index: int | slice) -> Request | list[Request]:
        with self._changed:
            return self._requests[index]


def flat(query: str) -> dict[str, str]:
    """A query string with the last value of each name."""
    return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
