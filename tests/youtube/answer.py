"""One HTTP answer, as a plan that faults may change before it is sent."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event
from typing import Any

from .content import Content, Stored
from .pace import Pace


@dataclass(kw_only=True)
class Answer:
    """Status, headers, and the part [start, end) of a content as the body.

    What a fault may add: a wait of `delay` seconds before the first byte, or until an event; a `pace`; a body cut after `cut`
    bytes, then closed, reset or (until an event) stalled; `surplus` bytes behind the body; another Content-Length than the body's.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Content = field(default_factory=lambda: Stored(b""))
    start: int = 0
    end: int = -1
    delay: float = 0
    delayed_until: Event | None = None
    pace: Pace | None = None
    cut: int | None = None
    is_reset: bool = False
    stalled_until: Event | None = None
    surplus: int = 0
    content_length: int | None = None

    def __post_init__(self) -> None:
        if self.end < 0:
            self.end = self.body.size

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def is_well_formed(self) -> bool:
        """Whether the body has the length that is announced."""
        return self.cut is None and self._announced == self.length + self.surplus

    @property
    def _announced(self) -> int:
        return self.length if self.content_length is None else self.content_length

    def replace(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """Become another answer; waits and pace stay."""
        self.status, self.headers, self.body = status, headers or {}, Stored(body)
        self.start, self.end = 0, len(body)

    def head(self) -> bytes:
        """The status line and the headers, made safe: a value cannot end its line."""
        headers = {"Server": "stand-in", "Content-Length": str(self._announced), **self.headers}
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return "\r\n".join([*(line.replace("\r", "").replace("\n", "") for line in lines), "", ""]).encode("latin-1", "replace")


def text(body: str, mime: str = "text/html; charset=utf-8", status: int = 200) -> Answer:
    return Answer(status=status, headers={"Content-Type": mime}, body=Stored(body.encode()))


def as_json(value: Any) -> Answer:
    return text(json.dumps(value), "application/json; charset=UTF-8")


def refusal(status: int) -> Answer:
    """An error with an HTML page, as YouTube sends it."""
    return text(f"<html><title>Error {status}</title></html>", status=status)
