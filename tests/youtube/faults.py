"""What may go wrong, as data: where it strikes, which requests, how often, and with what effect."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from threading import Event, Lock
from typing import Literal, Protocol

from .answer import Answer
from .content import Content
from .log import Kind, Request
from .pace import Pace


@dataclass(kw_only=True)
class Occasion:
    """What an effect knows about the request it strikes."""

    request: Request
    exit_address: str
    handle: "FaultHandle"


class Effect(Protocol):
    def change(self, answer: Answer, occasion: Occasion) -> None:
        """Turn the right answer into the wrong one."""
        ...


@dataclass(frozen=True, slots=True)
class Status:
    """Another status, without the body; Retry-After in seconds or as an HTTP date."""

    code: int
    retry_after: str | int | None = None

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.replace(self.code, {} if self.retry_after is None else {"Retry-After": str(self.retry_after)})


@dataclass(frozen=True, slots=True)
class Redirect:
    """302 to a sibling node (which then answers), to a host that is not YouTube's, or to the same URL for ever."""

    to: Literal["sibling", "foreign", "loop"] = "sibling"
    foreign_host: str = "media.attacker.example"

    def change(self, answer: Answer, occasion: Occasion) -> None:
        request = occasion.request
        if self.to == "sibling" and "cms_redirect" in request.query:
            return
        host = {"sibling": sibling(request), "foreign": self.foreign_host, "loop": request.host}[self.to]
        suffix = "&cms_redirect=yes" if self.to == "sibling" else ""
        answer.replace(302, {"Location": f"https://{host}{request.target}{suffix}"})


@dataclass(frozen=True, slots=True)
class Reset:
    """RST after so many bytes of the body."""

    after: int = 0

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.cut, answer.is_reset = self.after, True


@dataclass(frozen=True, slots=True)
class ShortBody:
    """An orderly close after so many bytes, although Content-Length promised more."""

    after: int = 0

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.cut = self.after


@dataclass(frozen=True, slots=True)
class LongBody:
    """More bytes than Content-Length said, or, with `is_declared`, more than the range with a matching Content-Length."""

    surplus: int = 1000
    is_declared: bool = False

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.surplus = self.surplus
        if self.is_declared:
            answer.content_length = answer.length + self.surplus


@dataclass(frozen=True, slots=True)
class WrongLength:
    """A Content-Length that is off by so many bytes; the body is the right one, then the connection closes."""

    off_by: int = -1

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.content_length = max(0, answer.length + self.off_by)
        answer.cut = answer.length


@dataclass(frozen=True, slots=True)
class WrongRange:
    """A Content-Range of one's own, e.g. "bytes 5-9/*"; with None, none at all."""

    content_range: str | None = None

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.headers.pop("Content-Range", None)
        if self.content_range is not None:
            answer.headers["Content-Range"] = self.content_range


@dataclass(frozen=True, slots=True)
class OtherTotal:
    """The right bytes of a file that is said to be so many bytes longer; with None, of unknown length."""

    by: int | None = 1

    def change(self, answer: Answer, occasion: Occasion) -> None:
        total = "*" if self.by is None else answer.body.size + self.by
        answer.headers["Content-Range"] = f"bytes {answer.start}-{answer.end - 1}/{total}"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A Content-Encoding that nobody asked for."""

    coding: str = "gzip"

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.headers["Content-Encoding"] = self.coding


@dataclass(frozen=True, slots=True)
class ShiftedRange:
    """Other bytes than asked for, honestly labelled: it starts so many bytes later, and ends so, too, with `is_as_long`."""

    by: int = 1
    is_as_long: bool = False

    def change(self, answer: Answer, occasion: Occasion) -> None:
        if self.is_as_long:
            answer.end = min(answer.end + self.by, answer.body.size)
        answer.start = max(0, min(answer.start + self.by, answer.end))
        answer.headers["Content-Range"] = f"bytes {answer.start}-{answer.end - 1}/{answer.body.size}"


@dataclass(frozen=True, slots=True)
class IgnoredRange:
    """200 with the whole file."""

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.headers.pop("Content-Range", None)
        answer.status, answer.start, answer.end = 200, 0, answer.body.size


@dataclass(frozen=True, slots=True)
class Stall:
    """Silence after so many bytes, until the handle is released or removed, or the client leaves."""

    after: int = 0

    def change(self, answer: Answer, occasion: Occasion) -> None:
        if self.after < answer.length:  # else all has been said
            answer.cut, answer.stalled_until = self.after, occasion.handle.released


@dataclass(frozen=True, slots=True)
class Slow:
    """So many bytes per second for each connection, or for all of them together."""

    bytes_per_second: float
    is_shared: bool = False

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.pace = occasion.handle.pace(0 if self.is_shared else occasion.request.connection, self.bytes_per_second)


@dataclass(frozen=True, slots=True)
class Delay:
    """So many seconds before the first byte, or until the handle is released or removed."""

    seconds: float

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.delay, answer.delayed_until = self.seconds, occasion.handle.released


@dataclass(frozen=True, slots=True)
class RefusedPast:
    """403 for whatever reaches past the first `size` bytes, HEAD, open and missing ranges included: the look of a missing token."""

    size: int

    def change(self, answer: Answer, occasion: Occasion) -> None:
        asked = occasion.request.range
        if asked is None or asked[1] is None or asked[1] >= self.size:
            answer.replace(403)


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """403 for HEAD, for requests without a bounded range, and for ranges longer than `longest` bytes."""

    longest: int | None = None
    allows_head: bool = False
    allows_unbounded: bool = False

    def change(self, answer: Answer, occasion: Occasion) -> None:
        request = occasion.request
        if request.method == "HEAD":
            is_refused = not self.allows_head
        elif request.range is None or request.range[1] is None:
            is_refused = not self.allows_unbounded
        else:
            is_refused = self.longest is not None and request.range[1] - request.range[0] + 1 > self.longest
        if is_refused:
            answer.replace(403)


@dataclass(frozen=True, slots=True)
class TokenRequired:
    """403 without a `pot`, or with a rejected one."""

    rejected: frozenset[str] = frozenset()

    def change(self, answer: Answer, occasion: Occasion) -> None:
        token = occasion.request.po_token
        if token is None or token in self.rejected:
            answer.replace(403)


@dataclass(frozen=True, slots=True)
class Expired:
    """403 for URLs that end no later than this moment (seconds since 1970), as if it had come."""

    moment: int

    def change(self, answer: Answer, occasion: Occasion) -> None:
        if int(occasion.request.query.get("expire", 0)) <= self.moment:
            answer.replace(403)


@dataclass(frozen=True, slots=True)
class AddressBound:
    """403 when the URL was made for another exit address than the current one."""

    def change(self, answer: Answer, occasion: Occasion) -> None:
        if occasion.request.query.get("ip") != occasion.exit_address:
            answer.replace(403)


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """The same URL serves another file: other size, other Last-Modified, other bytes (each byte inverted, from `after` on)."""

    after: int = 0

    def change(self, answer: Answer, occasion: Occasion) -> None:
        is_whole = answer.length == answer.body.size
        answer.body = Changed(answer.body, self.after)
        answer.end += is_whole
        answer.headers["Last-Modified"] = "Mon, 05 Jan 2026 00:00:00 GMT"
        if "Content-Range" in answer.headers:
            answer.headers["Content-Range"] = answer.headers["Content-Range"].rpartition("/")[0] + f"/{answer.body.size}"


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The proxy answers CONNECT with this status (SOCKS: host unreachable): a name that does not resolve. For `connect` only."""

    status: int = 502

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.status = self.status


@dataclass(frozen=True, slots=True)
class BadCertificate:
    """TLS with a certificate of an unknown authority. For `connect` only."""

    def change(self, answer: Answer, occasion: Occasion) -> None:
        pass


class Changed:
    """A content of which one more byte exists, and which differs from `after` on."""

    _INVERTED = bytes(255 - value for value in range(256))

    def __init__(self, original: Content, after: int) -> None:
        self._original, self._after = original, after
        self.size = original.size + 1

    def chunks(self, start: int, end: int) -> Iterator[bytes | memoryview]:
        at = start
        for chunk in self._original.chunks(start, min(end, self._original.size)):
            same = max(0, min(len(chunk), self._after - at))
            yield bytes(chunk[:same]) + bytes(chunk[same:]).translate(self._INVERTED)
            at += len(chunk)
        if at < end:
            yield b"\x00"


@dataclass(frozen=True, slots=True)
class Fault:
    """`Fault("media", Status(403), itag=137, times=1)`.

    Every filter given must fit: `client` is the innertube client name, `host` a part of the host name, `covers` an offset that the
    requested range includes, `starts_from` an offset before which the range must not start. `times` None means always.
    """

    where: Kind
    effect: Effect
    _: KW_ONLY
    video_id: str | None = None
    itag: int | None = None
    client: str | None = None
    host: str | None = None
    covers: int | None = None
    starts_from: int | None = None
    times: int | None = None

    def strikes(self, request: Request) -> bool:
        return (
            self.where == request.kind
            and self.video_id in {None, request.video_id}
            and self.itag in {None, request.itag}
            and self.client in {None, request.client}
            and (self.host or "") in request.host
            and self._fits(request.range or (0, None))
        )

    def _fits(self, asked: tuple[int, int | None]) -> bool:
        first, last = asked
        if self.starts_from is not None and first < self.starts_from:
            return False
        return self.covers is None or (first <= self.covers and (last is None or self.covers <= last))


class FaultHandle:
    """A fault in force. `hits` counts how often it struck."""

    def __init__(self, fault: Fault, book: "FaultBook") -> None:
        self.fault = fault
        self.hits = 0
        self.released = Event()
        self._book = book
        self._paces: dict[int, Pace] = {}

    def remove(self) -> None:
        """No more strikes; what it holds up goes on."""
        self._book.remove(self)
        self.released.set()

    def release(self) -> None:
        """What it holds up goes on, and it holds up no more."""
        self.released.set()

    def pace(self, connection: int, rate: float) -> Pace:
        return self._paces.setdefault(connection, Pace(rate))


class FaultBook:
    """The faults in force, in the order they were added; several may strike one request."""

    def __init__(self) -> None:
        self._handles: list[FaultHandle] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> FaultHandle:
        handle = FaultHandle(fault, self)
        with self._lock:
            self._handles.append(handle)
        return handle

    def remove(self, handle: FaultHandle) -> None:
        with self._lock:
            if handle in self._handles:
                self._handles.remove(handle)

    def clear(self) -> None:
        for handle in list(self._handles):
            handle.remove()

    def striking(self, request: Request) -> list[FaultHandle]:
        """The faults that strike this request; each is counted."""
        with self._lock:
            striking = [handle for handle in self._handles if handle.fault.strikes(request)]
            striking = [handle for handle in striking if handle.fault.times is None or handle.hits < handle.fault.times]
            for handle in striking:
                handle.hits += 1
            return striking


def sibling(request: Request) -> str:
    """The other node that a media URL names in `mn`."""
    names = request.query.get("mn", "").split(",")
    other = next((name for name in names if name and name not in request.host), "sn-other")
    return f"rr{request.query.get('fvip', '1')}---{other}.googlevideo.com"
