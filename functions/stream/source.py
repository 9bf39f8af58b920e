"""Which bytes are meant, where they are now, and whether they are still the same file."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Literal, Protocol, TypeAlias

from redis.exceptions import RedisError

from functions.stream.absence import absence, is_settled
from functions.stream.location import EXPIRY_MARGIN
from functions.stream.renewals import Renewals
from shared.problems import ProblemError
from shared.schemas import Media
from shared.sources import Asset, Family, Source
from shared.store import Lane
from shared.tags import Tags
from shared.urls import Video

WAIT_FOR_ANALYSIS: Final = 20.0
"""Seconds a client waits for an analysis on demand before it is told to come back."""

WAIT_FOR_REFRESH: Final = 90.0
"""Seconds a running download waits for a fresh URL: coming back would cost its connection."""

JUST_NOW: Final = 10.0
"""Seconds after an analysis for the sake of a URL that is of no use, within which another one brings no better."""


Cause: TypeAlias = Literal["unknown", "expired", "exit", "refused"]
"""Why a video is analysed for a download: nothing is known of it, a URL has ended, belongs to another exit, or was refused."""


class SourceStore(Protocol):
    """What is read from the store."""

    async def source(self, media_id: str, format_id: str) -> Source | None:
        """Where one format's bytes are."""

    async def pair(self, media_id: str, video: str, audio: str) -> tuple[Source | None, Source | None, Sequence[Tags]]:
        """Where the bytes of two formats are, and what files of both say of themselves."""

    async def asset(self, media_id: str, asset_id: str) -> Asset | None:
        """Where a cover or subtitle track is."""

    async def has_sources(self, media_id: str) -> bool:
        """Whether anything is known of this video's files."""

    async def media(self, video: Video) -> Media | None:
        """The newest result of a video, fresh or not."""


class OnDemand(Protocol):
    """Asking for an analysis."""

    async def ensure(self, media_id: str, *, client: str, lane: Lane, wait: float) -> None:
        """Returns once sources are known."""


class Exits(Protocol):
    """The way out."""

    def exit_digest(self, family: Family | None) -> str:
        """Names the exit for this family."""


class SourceChanged(ProblemError):
    """The same format is another file now; ``source`` is that file."""

    def __init__(self, source: Source) -> None:
        super().__init__("source_changed")
        self.source = source


def same_file(old: Source, new: Source) -> bool:
    """Proof that two URLs give the same bytes: itag, xtags, lmt and clen. Pure."""
    return old.identity == new.identity


class Sources:
    """Finds the sources of a client's files, analysing again where that is needed and may help.

    Whatever is not for a running download is an ordinary submission of its client: counted, and bounded by the queue.

    :param on_analysis: told of every analysis that is asked for
    """

    def __init__(
        self, store: SourceStore, analyses: OnDemand, exits: Exits, *, on_analysis: Callable[[Cause], None] = lambda _: None
    ) -> None:
        self._store = store
        self._on_analysis = on_analysis
        self._analyses = analyses
        self._exits = exits
        self._renewals = Renewals(JUST_NOW)

    async def current(self, media_id: str, format_id: str, *, client: str) -> Source:
        """The source as it is known now, fit to be used.

        :raises ProblemError: ``unknown_format``, ``analysis_pending``, what the analysis failed with, or what kept it from
            finding this format
        """
        source = await self._store.source(media_id, format_id)
        if source is not None and self._is_usable(source):
            return source
        if source is None or _has_expired(source):
            await self._look_for(media_id, format_id, client=client, is_known=source is not None)
        elif self._renewals.may_help(media_id):
            await self._analyze(media_id, client=client, cause="exit")
            self._renewals.note(media_id)
        return await self._found(media_id, format_id)

    async def pair(self, media_id: str, video: str, audio: str, *, client: str) -> tuple[Source, Source, Sequence[Tags]]:
        """Two sources, and what files of both say of themselves: the newest first, at least one.

        :raises ProblemError: as :meth:`current`
        """
        first, second, tags = await self._store.pair(media_id, video, audio)
        if first is not None and second is not None and self._is_usable(first) and self._is_usable(second):
            return first, second, tags
        first = await self.current(media_id, video, client=client)
        second = await self.current(media_id, audio, client=client)
        *_, tags = await self._store.pair(media_id, video, audio)
        return first, second, tags

    async def asset(self, media_id: str, asset_id: str, *, client: str) -> Asset:
        """The cover or a subtitle track.

        :raises ProblemError: as :meth:`current`
        """
        asset = await self._store.asset(media_id, asset_id)
        if asset is None:
            await self._look_for(media_id, asset_id, client=client, is_known=False)
            asset = await self._store.asset(media_id, asset_id)
        if asset is None:
            raise await self._absence(media_id, asset_id)
        return asset

    async def renewed_asset(self, asset: Asset, *, client: str) -> Asset:
        """A fresh URL of a subtitle track whose old one is refused; the same one where no other is to be had.

        :raises ProblemError: as :meth:`current`
        """
        known = await self._store.asset(asset.media_id, asset.asset_id)
        if known is None or (known.url == asset.url and self._renewals.may_help(asset.media_id)):
            await self._analyze(asset.media_id, client=client, cause="unknown" if known is None else "refused")
            self._renewals.note(asset.media_id)
            known = await self._store.asset(asset.media_id, asset.asset_id)
        if known is None:
            raise await self._absence(asset.media_id, asset.asset_id)
        return known

    async def renewed(self, source: Source, *, client: str, wait: float = WAIT_FOR_REFRESH) -> Source:
        """A fresh URL of the same file for a download; before its first byte the same URL where no other is to be had.

        :param wait: seconds, before it is ``analysis_pending``; with :data:`WAIT_FOR_REFRESH` the download is running, and
            comes before everything that is not
        :raises SourceChanged: where the format is another file now
        :raises ProblemError: where there is none; ``store_unavailable`` too, since the old URL may still serve
        """
        is_running = wait >= WAIT_FOR_REFRESH
        try:
            known = await self._store.source(source.media_id, source.format_id)
            # Somebody else may have refreshed it already: one analysis serves all.
            is_newer = known is not None and known.url != source.url and self._is_usable(known)
            if known is None or (not is_newer and (is_running or self._renewals.may_help(source.media_id))):
                lane: Lane = "refresh" if is_running else "analyze"
                self._on_analysis("expired" if _ends_soon(source) else "refused")
                await self._analyses.ensure(source.media_id, client=client, lane=lane, wait=wait)
                known = await self._found(source.media_id, source.format_id)
                if same_file(source, known):
                    self._renewals.note(source.media_id)
        except RedisError:
            raise ProblemError("store_unavailable") from None
        if not same_file(source, known):
            raise SourceChanged(known)
        return known

    async def _look_for(self, media_id: str, name: str, *, client: str, is_known: bool) -> None:
        """Analyse a video one of whose files is not there, unless its newest result says that nothing else would be found."""
        if await self._store.has_sources(media_id):
            result = await self._store.media(Video(media_id))
            if is_settled(result, name, is_known=is_known, now=time.time()):
                return
        await self._analyze(media_id, client=client, cause="expired" if is_known else "unknown")

    async def _analyze(self, media_id: str, *, client: str, cause: Cause) -> None:
        self._on_analysis(cause)
        await self._analyses.ensure(media_id, client=client, lane="analyze", wait=WAIT_FOR_ANALYSIS)

    async def _found(self, media_id: str, format_id: str) -> Source:
        """What is known after an analysis; an entry that has expired is one that it has not found again."""
        source = await self._store.source(media_id, format_id)
        if source is None or _has_expired(source):
            raise await self._absence(media_id, format_id)
        return source

    async def _absence(self, media_id: str, name: str) -> ProblemError:
        return absence(await self._store.media(Video(media_id)), name, now=time.time())

    def _is_usable(self, source: Source) -> bool:
        """Whether it has not expired and belongs to the exit that we leave by."""
        return not _has_expired(source) and source.exit == self._exits.exit_digest(source.family)


def _ends_soon(source: Source) -> bool:
    """A download renews its URL before it ends."""
    return source.expires_at - EXPIRY_MARGIN <= time.time()


def _has_expired(source: Source) -> bool:
    return source.expires_at <= time.time()
