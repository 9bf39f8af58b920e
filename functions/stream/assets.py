"""Covers and subtitles: small files, read whole within a bound, so that they have a length and an entity tag."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

from litestar.types import ASGIApp
from msgspec import Struct

from functions.stream.headers import disposition
from functions.stream.ranges import Representation, decide
from functions.stream.recovery import Renew, Retry, given_up, recover
from functions.stream.relay import HeadersOnly, WholeBody
from functions.stream.source import Sources
from shared.problems import ProblemError
from shared.sources import Asset
from shared.upstream import Upstream, UpstreamError
from shared.urls import is_media_id

THUMBNAIL: Final = "thumbnail"

MAX_ASSET: Final = 8 * 1024 * 1024
"""Bytes; the subtitles of a ten-hour video have about two million."""

TRIES: Final = 3
LONGEST_PAUSE: Final = 2.0
"""Seconds: a page waits for its cover, so that a longer wait is the client's."""

LONGEST_READ: Final = 30.0
"""Seconds for the whole of it, however slowly it comes: the client is kept waiting for as long."""

IMAGES: Final = frozenset({"image/jpeg", "image/webp", "image/png"})


class AssetBody(Struct, frozen=True):
    """A small file, complete."""

    content: bytes
    content_type: str

    @property
    def etag(self) -> str:
        """16 hex digits of the content."""
        return hashlib.sha256(self.content).hexdigest()[:16]


class Assets:
    """Answers requests for covers and subtitles."""

    def __init__(self, sources: Sources, upstream: Upstream) -> None:
        self._sources = sources
        self._upstream = upstream

    async def answer(
        self, method: str, headers: Mapping[str, str], media_id: str, asset_id: str, *, client: str, is_inline: bool
    ) -> ASGIApp:
        """The response.

        :param headers: of the request, names in lower case
        :raises ProblemError: ``unknown_format``, or why it cannot be had
        """
        if not is_media_id(media_id):
            raise ProblemError("unknown_format")
        asset = await self._sources.asset(media_id, asset_id, client=client)

        async def renew(stale: Asset) -> Asset:
            return await self._sources.renewed_asset(stale, client=client)

        body = await read_asset(self._upstream, asset, renew=renew)
        file = Representation(size=len(body.content), etag=body.etag, last_modified=None)
        # Small and complete: ranges are of no use, conditions are.
        decision = decide("HEAD", headers, file)
        common = {
            "ETag": f'"{body.etag}"',
            "Cache-Control": "private, max-age=3600",
            "Content-Disposition": disposition(asset.filename, is_inline=is_inline),
            "X-Content-Type-Options": "nosniff",
        }
        if decision.status == HTTPStatus.PRECONDITION_FAILED:
            raise ProblemError("source_changed", "The file is not the one that the condition names.")
        if decision.status == HTTPStatus.NOT_MODIFIED:
            return HeadersOnly(HTTPStatus.NOT_MODIFIED, common)
        common |= {"Content-Type": body.content_type, "Content-Length": str(len(body.content))}
        return HeadersOnly(HTTPStatus.OK, common) if method == "HEAD" else WholeBody(HTTPStatus.OK, common, body.content)


async def read_asset(upstream: Upstream, asset: Asset, *, renew: Callable[[Asset], Awaitable[Asset]]) -> AssetBody:
    """The file.

    :param renew: a fresh URL, once; those of subtitles expire, a cover that is refused is not there
    :raises ProblemError: when it cannot be had
    """
    failures = renewals = 0
    while True:
        try:
            async with asyncio.timeout(LONGEST_READ):
                return await _read(upstream, asset)
        except TimeoutError:
            raise ProblemError("source_timeout") from None
        except UpstreamError as error:
            failures += 1
            match recover(error.reason, retry_after=error.retry_after, failures=failures, renewals=renewals):
                case Retry(delay) if failures < TRIES and delay <= LONGEST_PAUSE:
                    await asyncio.sleep(delay)
                case Renew() if renewals == 0 and asset.asset_id != THUMBNAIL:
                    renewals += 1
                    asset = await renew(asset)
                case _:
                    raise given_up(error.reason, error.retry_after).error() from None


async def _read(upstream: Upstream, asset: Asset) -> AssetBody:
    async with upstream.open_asset(asset) as answer:
        content = bytearray()
        async for chunk in answer.chunks:
            content += chunk
            if len(content) > MAX_ASSET:
                raise ProblemError("source_unreadable", "The file is larger than a cover or a subtitle track can be.")
        if answer.size is not None and answer.size != len(content):
            raise UpstreamError("interrupted", "a shorter body")
        if not content:
            raise UpstreamError("refused", "an empty body")  # how subtitles are refused without a token
        return AssetBody(bytes(content), _content_type(asset, answer.content_type))


def _content_type(asset: Asset, said: str | None) -> str:
    """Never what the other side says unless it is an image: what is served here is shown on this origin."""
    if asset.asset_id != THUMBNAIL:
        return asset.content_type
    bare = (said or "").partition(";")[0].strip().lower()
    return bare if bare in IMAGES else asset.content_type
