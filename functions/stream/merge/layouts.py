"""Finding the layouts of merged files: each once at a time, whoever waits for it, and never for longer than is worth waiting."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Literal, TypeAlias

from functions.stream.merge import choice
from functions.stream.merge.errors import Reason, Unsupported
from functions.stream.merge.heads import read_beginnings, read_heads
from functions.stream.merge.joint import Joint
from functions.stream.merge.kept import Kept, LayoutStore
from functions.stream.merge.known import Known
from functions.stream.merge.layout import Layout
from functions.stream.merge.mp4_head import Mp4
from functions.stream.merge.reader import Open
from functions.stream.merge.turns import Turns
from shared.problems import ProblemError
from shared.sources import Source
from shared.tags import Tags

PATIENCE: Final = 60.0
"""Seconds a client is kept waiting for a layout, whatever is slow about it; and those that finding one may take."""

INSTEAD: Final = frozenset[Reason]({"discontinuous", "sparse", "too_large"})
"""Why a short file cannot be one without fragments, but one with them."""

Origin: TypeAlias = Literal["known", "stored", "planned", "refused"]
"""Where a layout came from."""

OnLayout: TypeAlias = Callable[[Origin], None]


class Layouts:
    """What is asked for by several requests is found once. All requests of one client for one file have one turn of this client's.

    :param at_once: requests upstream for one of them
    :param on_layout: told of every one that is asked for
    """

    def __init__(self, store: LayoutStore, *, at_once: int, on_layout: OnLayout) -> None:
        self._kept = Kept(store)
        self._known = Known()
        self._on_layout = on_layout
        self._at_once = at_once
        self._turns = Turns()
        self._waiting: Joint[tuple[str, str], Layout] = Joint()  # by client and version
        self._finding: Joint[str, Layout] = Joint()  # by version

    async def of(
        self,
        video: Source,
        audio: Source,
        tags: Tags,
        *,
        version: str,
        open_source: Open,
        client: str,
        lease: AbstractAsyncContextManager[None],
    ) -> Layout:
        """The layout of these two.

        :param version: names the merged file: a layout that is known under it has the same tags
        :param lease: held while anything is read for it
        :raises ProblemError: ``incompatible_formats``, ``too_many_downloads``, or what kept the beginnings of a source from being
            read
        """
        sizes = (video.identity.size, audio.identity.size)
        is_finder = False

        async def find() -> Layout:
            nonlocal is_finder
            is_finder = True
            async with self._turns.of_all():
                # Whoever was here before may have found it.
                return await self._remembered(version, sizes) or await self._found(video, audio, tags, version, open_source)

        async def wait() -> Layout:
            async with self._turns.of_client(client):
                return await self._finding.of(version, find)

        try:
            choice.container(video, audio)  # what is refused without reading waits for nothing
            async with asyncio.timeout(PATIENCE):
                layout = await self._remembered(version, sizes)
                if layout is not None:
                    return layout
                async with lease:
                    layout = await self._waiting.of((client, version), wait)
        except Unsupported as error:
            self._on_layout("refused")
            raise ProblemError("incompatible_formats", str(error)) from None
        except TimeoutError:
            raise ProblemError("source_timeout") from None
        if not is_finder:
            self._on_layout("known")
        return layout

    async def _remembered(self, version: str, sizes: tuple[int, int]) -> Layout | None:
        layout = self._known.layout(version)
        if layout is not None:
            self._on_layout("known")
            return layout
        layout = await self._kept.layout(version, sizes)
        if layout is not None:
            self._on_layout("stored")
            self._known.keep(version, layout)
        return layout

    async def _found(self, video: Source, audio: Source, tags: Tags, version: str, open_source: Open) -> Layout:
        try:
            async with asyncio.timeout(PATIENCE):
                layout = await self._planned(video, audio, tags, version, open_source)
        except Unsupported as error:
            self._known.refuse(version, error.reason)
            raise
        self._on_layout("planned")
        self._known.keep(version, layout)
        return layout

    async def _planned(self, video: Source, audio: Source, tags: Tags, version: str, open_source: Open) -> Layout:
        first, second = await read_heads(video, audio, choice.container(video, audio), open_source)
        choice.check(first, second)
        if isinstance(first, Mp4) and isinstance(second, Mp4) and choice.is_short(first, second):
            beginnings = await read_beginnings(first, second, open_source, at_once=self._at_once)
            layout = await asyncio.to_thread(_short, first, second, beginnings, tags)
            await self._kept.keep(version, layout)
            return layout
        return await asyncio.to_thread(choice.plan, first, second, tags)


def _short(video: Mp4, audio: Mp4, beginnings: tuple[Sequence[bytes], Sequence[bytes]], tags: Tags) -> Layout:
    """Without fragments where that is possible."""
    try:
        return choice.plan_short(video, audio, beginnings, tags)
    except Unsupported as error:
        if error.reason not in INSTEAD:
            raise
        return choice.plan(video, audio, tags)
