"""What is measured, and how much of it: enough for figures to be trusted, or just enough to see that everything still runs."""

from typing import Final

from msgspec import Struct

MIB: Final = 1 << 20
GIB: Final = 1 << 30


class Scale(Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds."""

    has_mediaflow: bool = True  # beside nginx
    people: int  # who submit at once
    submissions: int  # rounds of them
    analyses: int  # rounds
    videos: int  # that a store knows
    body: int  # of one download
    rounds: int  # of each relay, in turn
    long_body: int  # beside `body`, to see whether memory follows the size
    throttled: int  # bytes taken through an upstream that is slow
    requests: int  # for one first byte each
    crowd: int  # slow clients at once
    crowd_seconds: float


FULL: Final = Scale(
    people=1000,
    submissions=3,
    analyses=7,
    videos=1000,
    body=GIB,
    rounds=5,
    long_body=10 * GIB,
    throttled=64 * MIB,
    requests=200,
    crowd=500,
    crowd_seconds=20,
)
SMOKE: Final = Scale(
    people=50,
    submissions=1,
    analyses=1,
    videos=20,
    body=32 * MIB,
    rounds=1,
    long_body=64 * MIB,
    throttled=4 * MIB,
    requests=10,
    crowd=20,
    crowd_seconds=1,
)
