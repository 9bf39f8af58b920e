"""From REDIS_URL to a client: a plain server, TLS, or a master found by Sentinel."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias, cast
from urllib.parse import urlsplit

from redis import Redis
from redis import asyncio as aio
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelPool
from redis.backoff import ExponentialBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.sentinel import Sentinel, SentinelConnectionPool

from shared.store_url import credentials, for_sentinel, for_server

TIMEOUTS: Final[dict[str, Any]] = {"socket_connect_timeout": 2.0, "socket_timeout": 5.0, "health_check_interval": 30}
RETRIES: Final = 3
CONNECTIONS: Final = 32
"""Per process: enough to keep a store busy; more requests wait for a connection instead of opening thousands."""

_DEFAULT_SENTINEL_PORT: Final = 26_379


OnError: TypeAlias = Callable[[RedisError], None]


class _Reporting(aio.Redis):
    """Tells of every command that failed for good; a script that has to be sent first has not failed."""

    on_error: OnError | None = None

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as the client's own
        """One command."""
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call] # by redis-py
        except NoScriptError:
            raise
        except RedisError as error:
            if self.on_error is not None:
                self.on_error(error)
            raise


class _AsyncMasterPool(AsyncSentinelPool, aio.BlockingConnectionPool):
    """Waits for a connection as the pool of a plain server does, and closes the clients that asked where the master is."""

    async def aclose(self) -> None:
        try:
            await super().aclose()
        finally:
            await self.sentinel_manager.aclose()


class _MasterPool(SentinelConnectionPool):
    """The same for threads, which are few."""

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.sentinel_manager.close()


class _Watch(NamedTuple):
    """Sentinel's half of an address: who is asked and how, and how the master that is found is reached."""

    sentinels: list[tuple[str, int]]
    service: str
    asking: dict[str, Any]
    reaching: dict[str, Any]


def connect(url: str, *, retries: int = RETRIES, on_error: OnError | None = None) -> aio.Redis:
    """A client for the event loop; it decodes text.

    :param retries: how often a command is sent again after a lost connection; every script bears being sent twice
    :param on_error: told of every command that failed
    """
    retry = Retry(ExponentialBackoff(base=0.05, cap=0.5), retries)
    if "+sentinel://" in url:
        watch = _watch(url)
        finder: Any = AsyncSentinel  # redis-py leaves this class untyped
        master: _Reporting = finder(watch.sentinels, sentinel_kwargs=watch.asking, **watch.reaching).master_for(
            watch.service,
            redis_class=_Reporting,
            connection_pool_class=_AsyncMasterPool,
            max_connections=CONNECTIONS,
            timeout=None,
            decode_responses=True,
            retry=retry,
        )
        master.on_error = on_error
        return master
    pool = aio.BlockingConnectionPool.from_url(
        url, max_connections=CONNECTIONS, timeout=None, decode_responses=True, retry=retry, **TIMEOUTS
    )
    client = cast("_Reporting", _Reporting.from_pool(pool))
    client.on_error = on_error
    return client


def connect_blocking(url: str) -> Redis:
    """A client for threads, as Dramatiq's broker wants it."""
    if "+sentinel://" in url:
        watch = _watch(url)
        finder: Any = Sentinel  # redis-py leaves this class untyped
        master: Redis = finder(watch.sentinels, sentinel_kwargs=watch.asking, **watch.reaching).master_for(
            watch.service, connection_pool_class=_MasterPool
        )
        return master
    return Redis.from_url(url, **TIMEOUTS)


def _watch(url: str) -> _Watch:
    """Of ``redis+sentinel://[user:password@]host:port[,host:port]/service[/db]``; over TLS, Sentinel and master both are."""
    parts = urlsplit(url)
    service, _, number = parts.path.strip("/").partition("/")
    common = TIMEOUTS | for_server(url)
    return _Watch(
        sentinels=[_address(host) for host in parts.netloc.rpartition("@")[2].split(",")],
        service=service,
        # Not again: the next Sentinel is asked at once, and all of them when the connection to the master is tried again.
        asking=common | for_sentinel(url) | {"retry": None, "retry_on_error": []},
        reaching=common | credentials(url) | {"db": int(number or 0)},
    )


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return (host, int(port)) if host else (port, _DEFAULT_SENTINEL_PORT)
