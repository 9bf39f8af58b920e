"""The sources of one answer, to be read from: with fresh URLs where they are needed, and with a share of what the process has."""

from collections.abc import AsyncGenerator, Callable
from typing import Final

from functions.stream.budget import Budget
from functions.stream.fetch import Fetch
from functions.stream.merge.layout import AUDIO
from functions.stream.piece import OnTrouble
from functions.stream.source import WAIT_FOR_ANALYSIS, WAIT_FOR_REFRESH, Sources
from shared.sources import ByteRange, Source
from shared.upstream import Upstream

FOR_SOUND: Final = 1
"""Connections: sound is a tenth of a film, and comes fast enough over one."""


class Shared:
    """What all answers of one process share.

    :param connections: upstream connections of one answer at most; a merged file has two of them at least
    """

    def __init__(self, upstream: Upstream, sources: Sources, *, budget: Budget, connections: int, on_trouble: OnTrouble) -> None:
        self.upstream = upstream
        self.sources = sources
        self.budget = budget
        self.connections = connections
        self.on_trouble = on_trouble


class Opening:
    """Reads any range of the parts of one answer; many small reads of one part renew its URL once.

    :param parts: the file, or the video and the sound of a merged one
    :param has_begun: whether the client has had a byte
    """

    def __init__(self, shared: Shared, parts: tuple[Source, ...], *, client: str, has_begun: Callable[[], bool]) -> None:
        self.latest = list(parts)
        self._shared = shared
        self._client = client
        self._has_begun = has_begun

    def __call__(self, which: int, part: ByteRange) -> AsyncGenerator[bytes, None]:
        """The bytes, as they come, or ProblemError."""

        async def renew(stale: Source) -> Source:
            # Coming back costs a client nothing before its first byte, and its connection after it.
            wait = WAIT_FOR_REFRESH if self._has_begun() else WAIT_FOR_ANALYSIS
            self.latest[which] = await self._shared.sources.renewed(stale, client=self._client, wait=wait)
            return self.latest[which]

        fetch = Fetch(
            self._shared.upstream,
            self.latest[which],
            renew=renew,
            budget=self._shared.budget,
            connections=self._connections(which),
            on_trouble=self._shared.on_trouble,
        )
        return fetch.read(part)

    def _connections(self, which: int) -> int:
        if len(self.latest) == 1:
            return self._shared.connections
        return FOR_SOUND if which == AUDIO else max(1, self._shared.connections - FOR_SOUND)
