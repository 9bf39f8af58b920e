"""The stand-in for YouTube in a process of its own, so that what it costs is nobody's."""

import multiprocessing
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from msgspec import Struct

from bench.film import AUDIO, FILM, VIDEO, film
from shared.sources import Source
from tests.streaming import settings_behind, source_of
from tests.youtube import HUGE, LARGE, QUICK, Fault, Slow, YouTube

FILES: Final = {HUGE: ("401", "140"), LARGE: ("137",), QUICK: ("137", "140", "248", "251"), FILM: (str(VIDEO), str(AUDIO))}


class StandIn(Struct, frozen=True, kw_only=True):
    """Where it is, and some of the files that it has: of 4 GiB, of 64 MiB, small ones, and a film that is nothing but media."""

    proxy: str
    ca_file: Path
    secret_key: str  # of whoever uses the source
    sources: Mapping[str, Mapping[str, Source]]  # by video and format

    @property
    def settings(self) -> dict[str, str]:
        """Of a function that leaves by it and uses these sources."""
        return {"GLOBAL_PROXY": self.proxy, "SSL_CERT_FILE": str(self.ca_file), "SECRET_KEY": self.secret_key}


@contextmanager
def stand_in(*, player_size: int = 20_000, media_rate: float | None = None, film_size: int = 0) -> Iterator[StandIn]:
    """One that runs until the block ends.

    :param player_size: bytes of the player's JavaScript
    :param media_rate: bytes per second that each connection gets of media; None: as they come
    :param film_size: bytes of the film's video at least; 0: there is no film
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, player_size, media_rate, film_size))
    process.start()
    theirs.close()  # its end is the process's alone: without it nothing is waited for in vain
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join(20)
        if process.is_alive():
            process.kill()


def _run(address: Connection, player_size: int, media_rate: float | None, film_size: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, YouTube.running() as youtube:
        youtube._services.site.player_size = player_size  # noqa: SLF001
        if film_size:
            youtube._services.site.put(film(Path(folder), size=film_size))  # noqa: SLF001
        if media_rate is not None:
            youtube.fault(Fault("media", Slow(media_rate)))
        settings = settings_behind(youtube)
        sources = {
            video_id: {format_id: source_of(youtube, video_id, format_id, settings) for format_id in format_ids}
            for video_id, format_ids in FILES.items()
            if video_id != FILM or film_size
        }
        address.send(
            StandIn(proxy=youtube.http_proxy, ca_file=youtube.ca_file, secret_key=settings.secret_key, sources=sources),
        )
        with suppress(EOFError):
            address.recv()
