"""Requests to YouTube's media hosts: one bounded range, or one small file; redirects are followed here, each checked."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from urllib.parse import urljoin

import httpx
from msgspec import Struct

from shared import hosts
from shared.settings import Settings
from shared.sources import Asset, ByteRange, Family, Source
from shared.upstream.answers import check_range, check_status
from shared.upstream.errors import UpstreamError, translated
from shared.upstream.exits import exit_digest, open_transport

MAX_RANGE: Final = 10 * 1024 * 1024
"""Bytes: longer ranges are throttled or refused."""

MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Patience(Struct, frozen=True, kw_only=True):
    """Seconds. Between two bytes, never in all: a body may take as long as it takes."""

    connect: float = 10.0
    idle: float = 20.0
    head: float = 45.0  # until the head of an answer, the way to it included


class RangeAnswer(Struct, frozen=True, kw_only=True):
    """Validated, and about to give exactly the bytes asked for."""

    total: int
    last_modified: int | None
    url: str  # where the answer came from, after redirects
    chunks: AsyncGenerator[bytes, None]  # raises UpstreamError when it ends early


class AssetAnswer(Struct, frozen=True, kw_only=True):
    """A cover or a subtitle track."""

    content_type: str | None
    size: int | None
    chunks: AsyncGenerator[bytes, None]


class Upstream:
    """The way out of one process."""

    def __init__(self, settings: Settings, clients: AsyncExitStack, patience: Patience) -> None:
        self._settings = settings
        self._is_proxied = settings.global_proxy is not None
        self._stack = clients
        self._patience = patience
        self._clients: dict[Family | None, httpx.AsyncClient] = {}

    def exit_digest(self, family: Family | None) -> str:
        """Names the exit that a request of this family leaves by."""
        return exit_digest(self._settings, family)

    @asynccontextmanager
    async def open_range(self, source: Source, wanted: ByteRange, *, url: str | None = None) -> AsyncIterator[RangeAnswer]:
        """Bytes of a source, at most :data:`MAX_RANGE`, validated before the first of them.

        :param url: where an earlier range came from, if that was not the source's own URL; a size of 0 is one not yet known
        :raises UpstreamError: here and while the chunks are read
        """
        if not 0 < wanted.length <= MAX_RANGE:
            raise ValueError(f"a range of {wanted.length} bytes")
        headers = {**source.headers, "Range": f"bytes={wanted.start}-{wanted.end - 1}"}
        async with self._open(url or source.url, headers, hosts.MEDIA, source.family) as response:
            found = check_range(response.status_code, response.headers, wanted, size=source.identity.size or None)
            async with aclosing(_exactly(self._chunks(response), wanted.length)) as chunks:
                yield RangeAnswer(total=found.total, last_modified=found.last_modified, url=str(response.url), chunks=chunks)

    @asynccontextmanager
    async def open_asset(self, asset: Asset) -> AsyncIterator[AssetAnswer]:
        """A small file beside the media.

        :raises UpstreamError: here and while the chunks are read
        """
        async with self._open(asset.url, asset.headers, hosts.ASSETS, asset.family) as response:
            check_status(response.status_code, response.headers, expected=200)
            length = response.headers.get("content-length", "")
            async with aclosing(self._chunks(response)) as chunks:
                yield AssetAnswer(
                    content_type=response.headers.get("content-type"),
                    size=int(length) if length.isascii() and length.isdigit() else None,
                    chunks=chunks,
                )

    @asynccontextmanager
    async def _open(
        self, url: str, headers: dict[str, str], domains: tuple[str, ...], family: Family | None
    ) -> AsyncIterator[httpx.Response]:
        client = self._client(family)
        for _ in range(MAX_REDIRECTS + 1):
            if not hosts.is_allowed(url, domains):
                raise UpstreamError("foreign_redirect")
            response = await self._send(client, url, headers)
            try:
                if response.status_code not in _REDIRECTS:
                    yield response
                    return
                url = _redirected(url, response.headers.get("location", ""))
            finally:
                await response.aclose()
        raise UpstreamError("foreign_redirect", "too many")

    async def _send(self, client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> httpx.Response:
        with translated(is_proxied=self._is_proxied):
            request = client.build_request("GET", url, headers={**headers, "Accept-Encoding": "identity"})
            async with asyncio.timeout(self._patience.head):
                return await client.send(request, stream=True)

    def _client(self, family: Family | None) -> httpx.AsyncClient:
        """One client per address family; behind a proxy there is only one."""
        key = None if self._is_proxied else family
        if key not in self._clients:
            idle = httpx.Timeout(self._patience.idle, connect=self._patience.connect, pool=None)
            # One client serves everybody: what one download is asked to remember must not be told with the next.
            forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=()))
            transport = open_transport(self._settings, key)
            client = httpx.AsyncClient(transport=transport, timeout=idle, cookies=forgetful, trust_env=False)
            client.headers.clear()
            self._stack.push_async_callback(client.aclose)
            self._clients[key] = client
        return self._clients[key]

    async def _chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """The body as it comes, neither decoded nor cut."""
        with translated(is_proxied=self._is_proxied):
            async for chunk in response.aiter_raw():
                yield chunk


def _redirected(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise UpstreamError("unreadable", "Location") from None


async def _exactly(body: AsyncGenerator[bytes, None], length: int) -> AsyncGenerator[bytes, None]:
    """The body, which must have this length; a byte too many is never passed on."""
    rest = length
    async with aclosing(body) as chunks:
        async for chunk in chunks:
            rest -= len(chunk)
            if rest < 0:
                raise UpstreamError("unreadable", "a longer body")
            yield chunk
    if rest > 0:
        raise UpstreamError("interrupted", "a shorter body")


@asynccontextmanager
async def open_upstream(settings: Settings, *, patience: Patience | None = None) -> AsyncIterator[Upstream]:
    """The way out, for as long as a process needs it; every connection is closed in the end."""
    async with AsyncExitStack() as clients:
        yield Upstream(settings, clients, patience or Patience())
