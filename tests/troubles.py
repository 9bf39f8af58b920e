"""What an upstream may do to a download, as a table: which faults strike at one place of the file, and how it must end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from threading import Thread
from typing import Final, Literal
from urllib.parse import parse_qs, urlsplit

import redis

from tests.streaming import Analyst
from tests.youtube import (
    LARGE,
    AddressBound,
    Answer,
    BadCertificate,
    Delay,
    Effect,
    Encoded,
    Expired,
    Fault,
    FaultHandle,
    IgnoredRange,
    LongBody,
    OtherTotal,
    Redirect,
    RefusedPast,
    Reset,
    ShiftedRange,
    ShortBody,
    Slow,
    SourceChanged,
    Stall,
    Status,
    TokenRequired,
    Unreachable,
    WrongLength,
    WrongRange,
    YouTube,
)
from tests.youtube.faults import Occasion

BEGUN: Final = 16
"""Bytes of a piece that come before the trouble does: a last piece may be as short as chance has it."""
PAST: Final = "Mon, 05 Jan 2026 00:00:00 GMT"

End = Literal["identical", "visible", "either"]
"""Identical: although something went wrong. Visible: a problem, or a broken connection. Never anything else."""


@dataclass(kw_only=True)
class Scene:
    """Where a trouble strikes: one byte of one of the large video's files."""

    youtube: YouTube
    analyst: Analyst
    redis_url: str
    itag: int
    offset: int
    restarts: list[Thread] = field(default_factory=list)

    def follow(self, fault: Fault) -> None:
        """From now on something else goes wrong, too."""
        self.youtube.fault(fault)

    def restart(self) -> None:
        """Every connection breaks; the proxy is back in a moment. Does not wait: whoever calls may be one of its threads."""
        thread = Thread(target=self._restart)
        self.restarts.append(thread)
        thread.start()

    def _restart(self) -> None:
        self.youtube.stop_listening()
        self.youtube.start_listening()


Act = Callable[[Scene], None]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Effects strike the first, the second and further requests for one byte of the file; the last one for ever, where it lasts."""

    effects: tuple[Effect, ...] = ()
    end: End = "identical"
    is_lasting: bool = False
    before: Act | None = None
    meanwhile: Act | None = None  # in the moment of the first strike
    needs_bytes: bool = False  # what has served nothing yet may serve another file of the same size: only dates that differ tell
    may_begin_anew: bool = False  # with the other file, for a client that has had no byte

    def put(self, scene: Scene) -> FaultHandle | None:
        """It is going to happen."""
        if self.before is not None:
            self.before(scene)
        if not self.effects:
            return None
        times = None if self.is_lasting else len(self.effects)
        return scene.youtube.fault(Fault("media", _InTurn(self, scene), itag=scene.itag, covers=scene.offset, times=times))


class _InTurn:
    def __init__(self, trouble: Trouble, scene: Scene) -> None:
        self._trouble = trouble
        self._scene = scene
        self._count = count()

    def change(self, answer: Answer, occasion: Occasion) -> None:
        number, effects = next(self._count), self._trouble.effects
        if number == 0 and self._trouble.meanwhile is not None:
            self._trouble.meanwhile(self._scene)
        effects[min(number, len(effects) - 1)].change(answer, occasion)


def once(*effects: Effect) -> Trouble:
    """Overcome: there is nothing to be seen of it."""
    return Trouble(effects=effects)


def lasting(effect: Effect) -> Trouble:
    """Not to be overcome."""
    return Trouble(effects=(effect,), is_lasting=True, end="visible")


def restarted(connect: Effect | None = None, *, times: int | None = None, end: End = "identical") -> Trouble:
    """The proxy restarts while bytes flow, and what lies behind it has changed."""

    def meanwhile(scene: Scene) -> None:
        if connect is not None:
            scene.follow(Fault("connect", connect, times=times))
        scene.restart()

    return Trouble(effects=(Stall(BEGUN),), meanwhile=meanwhile, end=end)


def _other_credentials(scene: Scene) -> None:
    scene.youtube.require_credentials("somebody", "else")
    scene.restart()


def _forget(scene: Scene) -> None:
    with redis.Redis.from_url(scene.redis_url) as store:
        store.flushall()


def _upload_again(scene: Scene) -> None:
    scene.youtube.edit(LARGE, revision=1)


def _resize(scene: Scene) -> None:
    size = scene.youtube.media(LARGE, scene.itag).size
    scene.youtube.edit(LARGE, sizes=scene.youtube.video(LARGE).sizes | {scene.itag: size + 4096})


def _move(scene: Scene) -> None:
    scene.youtube.exit_address = "203.0.113.9"


def _give_tokens(scene: Scene) -> None:
    scene.analyst.token = "token"


def _expire(scene: Scene) -> None:
    """Whatever was found until now; what is found later lives longer."""
    expire = int(parse_qs(urlsplit(scene.youtube.url(LARGE, scene.itag)).query)["expire"][0])
    scene.youtube.edit(LARGE, expires_in=scene.youtube.video(LARGE).expires_in + 3600)
    scene.follow(Fault("media", Expired(expire), itag=scene.itag, covers=scene.offset))


def _refuse_past(scene: Scene) -> None:
    scene.follow(Fault("media", RefusedPast(scene.offset), itag=scene.itag))


REFUSALS: Final = {f"refused with {code}": once(Status(code)) for code in (400, 401, 403, 404, 410)}
OUTAGES: Final = {f"out of order with {code}": once(Status(code)) for code in (500, 502, 503, 504)}
TROUBLES: Final[Mapping[str, Trouble]] = {
    **REFUSALS,
    **OUTAGES,
    "out of order for so long": once(Status(503, retry_after=0)),
    "no such range": once(Status(416)),
    "no content": once(Status(204)),
    "a teapot": once(Status(418)),
    "too many requests": once(Status(429)),
    "too many requests for no time": once(Status(429, retry_after=0)),
    "too many requests until a moment that is past": once(Status(429, retry_after=PAST)),
    "too many requests for long": lasting(Status(429, retry_after=500)),
    "reset before bytes": once(Reset()),
    "reset after bytes": once(Reset(BEGUN)),
    "reset twice": once(Reset(BEGUN), Reset(BEGUN)),
    "short before bytes": once(ShortBody()),
    "short after bytes": once(ShortBody(BEGUN)),
    "long, undeclared": once(LongBody()),
    "long, declared": once(LongBody(is_declared=True)),
    "length too small": once(WrongLength(-1)),
    "length too great": once(WrongLength(1)),
    "another range": once(WrongRange("bytes 0-9/10")),
    "no range": once(WrongRange()),
    "a range that is none": once(WrongRange("bytes one-two/three")),
    "another total": once(OtherTotal()),
    "no total": once(OtherTotal(None)),
    "range ignored": once(IgnoredRange()),
    "range shifted by one": once(ShiftedRange()),
    "range shifted by many": once(ShiftedRange(BEGUN)),
    "range moved ahead": once(ShiftedRange(BEGUN, is_as_long=True)),
    "range moved back": once(ShiftedRange(-1, is_as_long=True)),
    "encoded": once(Encoded()),
    "slow": once(Slow(2_000_000)),
    "silent before bytes": once(Stall()),
    "silent after bytes": once(Stall(BEGUN)),
    "late": once(Delay(60)),
    "sent to the sibling": once(Redirect("sibling")),
    "sent to a sibling that refuses": once(Redirect("sibling"), Status(403)),
    "sent elsewhere": lasting(Redirect("foreign")),
    "sent in a circle thrice": once(*(Redirect("loop"),) * 3),
    "sent in a circle": lasting(Redirect("loop")),
    "refused for ever": lasting(Status(403)),
    "out of order for ever": lasting(Status(500)),
    "reset for ever": lasting(Reset()),
    "range ignored for ever": lasting(IgnoredRange()),
    "refused past some bytes": Trouble(before=_refuse_past, end="visible"),
    "expired": Trouble(before=_expire),
    "token demanded and found": Trouble(effects=(TokenRequired(),), is_lasting=True, before=_give_tokens),
    "token demanded and not found": lasting(TokenRequired()),
    "exit moved": Trouble(effects=(AddressBound(),), is_lasting=True, before=_move),
    "another file, once": once(SourceChanged()),
    "another file": lasting(SourceChanged()),
    "another file of the same size": Trouble(
        effects=(ShortBody(BEGUN),), meanwhile=_upload_again, end="visible", needs_bytes=True, may_begin_anew=True
    ),
    "another file of another size": Trouble(effects=(ShortBody(BEGUN),), meanwhile=_resize, end="visible", may_begin_anew=True),
    "refused, and another file there": Trouble(effects=(Status(403),), meanwhile=_upload_again, end="either"),
    "proxy restarted": restarted(),
    "host not found, once": restarted(Unreachable(), times=1),
    "host not found": restarted(Unreachable(), end="visible"),
    "stranger in between": restarted(BadCertificate(), end="visible"),
    "other credentials": Trouble(effects=(Stall(BEGUN),), meanwhile=_other_credentials, end="visible"),
    "store emptied": Trouble(effects=(ShortBody(BEGUN), Status(403)), meanwhile=_forget),
}
