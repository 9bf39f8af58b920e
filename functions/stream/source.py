"""Which bytes are meant, where they are now, and whether they are still the same file."""

import time
from typing import Final, Protocol

from redis.exceptions import RedisError

from shared.problems import ProblemError
from shared.sources import Asset, Family, Source
from shared.store import Lane

WAIT_FOR_ANALYSIS: Final = 20.0
"""Seconds a client waits for an analysis on demand before it is told to come back."""

WAIT_FOR_REFRESH: Final = 90.0
"""Seconds a running download waits for a fresh URL: coming back would cost its connection."""


class SourceStore(Protocol):
    """What is read from the store."""

    async def source(self, media_id: str, format_id: str) -> Source | None:
        """Where one format's bytes are."""

    async def asset(self, media_id: str, asset_id: str) -> Asset | None:
        """Where a cover or subtitle track is."""

    async def has_sources(self, media_id: str) -> bool:
        """Whether anything is known of this video's files."""


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
    """Finds the sources of a client's files, analysing again where that is needed."""

    def __init__(self, store: SourceStore, analyses: OnDemand, exits: Exits) -> None:
        self._store = store
        self._analyses = analyses
        self._exits = exits

    async def current(self, media_id: str, format_id: str, *, client: str) -> Source:
        """The source as it is known now, fit to be used.

        :raises ProblemError: ``unknown_format``, ``analysis_pending``, or what the analysis failed with
        """
        source = await self._store.source(media_id, format_id)
        if source is not None and self._is_usable(source):
            return source
        if source is None and await self._store.has_sources(media_id):
            raise ProblemError("unknown_format")
        # Known but of no use any more: the video has been analysed, so that this is a refresh and not a new submission.
        lane: Lane = "analyze" if source is None else "refresh"
        await self._analyses.ensure(media_id, client=client, lane=lane, wait=WAIT_FOR_ANALYSIS)
        return await self._found(media_id, format_id)

    async def asset(self, media_id: str, asset_id: str, *, client: str) -> Asset:
        """The cover or a subtitle track.

        :raises ProblemError: as :meth:`current`
        """
        asset = await self._store.asset(media_id, asset_id)
        if asset is None and not await self._store.has_sources(media_id):
            await self._analyses.ensure(media_id, client=client, lane="analyze", wait=WAIT_FOR_ANALYSIS)
            asset = await self._store.asset(media_id, asset_id)
        if asset is None:
            raise ProblemError("unknown_format")
        return asset

    async def renewed_asset(self, asset: Asset, *, client: str) -> Asset:
        """A fresh URL of a subtitle track whose old one is refused.

        :raises ProblemError: as :meth:`current`
        """
        known = await self._store.asset(asset.media_id, asset.asset_id)
        if known is None or known.url == asset.url:
            await self._analyses.ensure(asset.media_id, client=client, lane="refresh", wait=WAIT_FOR_ANALYSIS)
            known = await self._store.asset(asset.media_id, asset.asset_id)
        if known is None:
            raise ProblemError("unknown_format")
        return known

    async def renewed(self, source: Source, *, client: str, wait: float = WAIT_FOR_REFRESH) -> Source:
        """A fresh URL of the same file, for a download that is under way.

        :param wait: seconds, before it is ``analysis_pending``
        :raises SourceChanged: where the format is another file now
        :raises ProblemError: where there is none; ``store_unavailable`` too, since the old URL may still serve
        """
        try:
            known = await self._store.source(source.media_id, source.format_id)
            # Somebody else may have refreshed it already: one analysis serves all.
            if known is None or known.url == source.url or not self._is_usable(known):
                await self._analyses.ensure(source.media_id, client=client, lane="refresh", wait=wait)
                known = await self._found(source.media_id, source.format_id)
        except RedisError:
            raise ProblemError("store_unavailable") from None
        if not same_file(source, known):
            raise SourceChanged(known)
        return known

    async def _found(self, media_id: str, format_id: str) -> Source:
        source = await self._store.source(media_id, format_id)
        if source is None:
            raise ProblemError("unknown_format")
        return source

    def _is_usable(self, source: Source) -> bool:
        """Whether it has not expired and belongs to the exit that we leave by."""
        return source.expires_at > time.time() and source.exit == self._exits.exit_digest(source.family)
