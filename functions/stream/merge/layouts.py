"""The layouts that one process knows; what took long to find is in the store, for the other replicas and for resumes."""

import asyncio
import base64
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, Literal, Protocol, TypeAlias
from weakref import WeakValueDictionary

import msgspec
import structlog
from redis.exceptions import RedisError

from functions.stream.merge import choice
from functions.stream.merge.errors import Reason, Unsupported
from functions.stream.merge.heads import read_beginnings, read_heads
from functions.stream.merge.layout import Layout
from functions.stream.merge.mp4_head import Mp4
from functions.stream.merge.reader import Open
from functions.stream.merge.turns import Turns
from shared.problems import ProblemError
from shared.sources import Source
from shared.tags import Tags

MEMORY: Final = 32 * 1024 * 1024
"""Bytes of all layouts that are kept, roughly; one of ten hours has two million."""

KEPT_SECONDS: Final = 86_400
"""In the store."""

PATIENCE: Final = 60.0
"""Seconds a client is kept waiting for a layout, whatever is slow about it."""

INSTEAD: Final = frozenset[Reason]({"discontinuous", "sparse", "too_large"})
"""Why a short file cannot be one without fragments, but one with them."""

Origin: TypeAlias = Literal["known", "stored", "planned", "refused"]
"""Where a layout came from."""

OnLayout: TypeAlias = Callable[[Origin], None]

_DECODER: Final = msgspec.msgpack.Decoder(Layout)

log = structlog.get_logger()


class LayoutStore(Protocol):
    """What is read from and written to the store."""

    async def layout(self, digest: str) -> str | None:
        """What was kept under this name."""

    async def keep_layout(self, digest: str, text: str, *, seconds: int) -> None:
        """Keep it for so long."""


class Layouts:
    """Finds layouts, each once at a time.

    :param at_once: requests upstream for one of them
    :param on_layout: told of every one that is asked for
    """

    def __init__(self, store: LayoutStore, *, at_once: int, on_layout: OnLayout) -> None:
        self._store = store
        self._on_layout = on_layout
        self._at_once = at_once
        self._known: OrderedDict[str, Layout] = OrderedDict()
        self._under_way: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._turns = Turns()

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
        layout = await self._remembered(version)
        if layout is None:
            under_way = self._under_way.setdefault(version, asyncio.Lock())
            # Nobody has another one's turn to wait for before it is its own: whoever is first finds it for all of them.
            async with lease, self._turns.turn(client), under_way:
                layout = await self._remembered(version)
                if layout is None:
                    layout = await self._found(video, audio, tags, version, open_source)
                    self._on_layout("planned")
                    self._remember(version, layout)
        return layout

    async def _remembered(self, version: str) -> Layout | None:
        origin: Origin = "known"
        layout = self._known.get(version)
        if layout is None:
            origin, layout = "stored", await self._kept(version)
        if layout is not None:
            self._on_layout(origin)
            self._remember(version, layout)
        return layout

    async def _found(self, video: Source, audio: Source, tags: Tags, version: str, open_source: Open) -> Layout:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._made(video, audio, tags, version, open_source)
        except Unsupported as error:
            self._on_layout("refused")
            raise ProblemError("incompatible_formats", str(error)) from None
        except TimeoutError:
            raise ProblemError("source_timeout") from None

    async def _made(self, video: Source, audio: Source, tags: Tags, version: str, open_source: Open) -> Layout:
        heads = await read_heads(video, audio, choice.container(video, audio), open_source)
        choice.check(*heads)
        first, second = heads
        if isinstance(first, Mp4) and isinstance(second, Mp4) and choice.is_short(first, second):
            beginnings = await read_beginnings(first, second, open_source, at_once=self._at_once)
            layout = await asyncio.to_thread(_short, first, second, beginnings, tags)
            await self._keep(version, layout)
            return layout
        return await asyncio.to_thread(choice.plan, first, second, tags)

    def _remember(self, version: str, layout: Layout) -> None:
        self._known[version] = layout
        self._known.move_to_end(version)
        while len(self._known) > 1 and sum(known.weight for known in self._known.values()) > MEMORY:
            self._known.popitem(last=False)

    async def _kept(self, version: str) -> Layout | None:
        """From the store; without it, and where it holds what this program does not read, all is found anew."""
        try:
            text = await self._store.layout(version)
        except RedisError as error:
            log.warning("layout not looked up", error=type(error).__name__)
            return None
        if text is not None:
            with suppress(ValueError, zlib.error, msgspec.DecodeError):
                return _DECODER.decode(zlib.decompress(base64.b64decode(text)))
        return None

    async def _keep(self, version: str, layout: Layout) -> None:
        text = base64.b64encode(zlib.compress(msgspec.msgpack.encode(layout))).decode()
        try:
            await self._store.keep_layout(version, text, seconds=KEPT_SECONDS)
        except RedisError as error:
            log.warning("layout not kept", error=type(error).__name__)


def _short(video: Mp4, audio: Mp4, beginnings: tuple[Sequence[bytes], Sequence[bytes]], tags: Tags) -> Layout:
    """Without fragments where that is possible."""
    try:
        return choice.plan_short(video, audio, beginnings, tags)
    except Unsupported as error:
        if error.reason not in INSTEAD:
            raise
        return choice.plan(video, audio, tags)
