"""The settings, read once from the environment (and .env) at start; a bad value stops the start with a message that names it.

The only module that reads the environment, and nothing reads it at import.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

from environs import Env
from msgspec import Struct

from shared.store_url import store_url

LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
LogFormat: TypeAlias = Literal["json", "console"]
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
T = TypeVar("T")
Choice = TypeVar("Choice", bound=str)

MIN_SECRET_LENGTH: Final = 16
_MIB: Final = 1 << 20


class SettingsError(Exception):
    """A variable cannot be used; the message names it, and does not repeat a value that may be secret."""


class RateLimit(Struct, frozen=True):
    """At most ``count`` requests in ``seconds``; ``count`` 0 switches the limit off."""

    count: int
    seconds: int


class Settings(Struct, frozen=True, kw_only=True):
    """Every setting of the contract, in the unit its name or .env.example says."""

    global_proxy: str | None = None
    redis_url: str = "redis://127.0.0.1:6379/0"
    pot_provider_url: str | None = None
    max_concurrent_analyses: int = 4
    max_concurrent_downloads: int = 16
    max_bandwidth: int = 0
    max_queue_length: int = 10_000
    rate_limit: RateLimit = RateLimit(60, 60)
    result_ttl: int = 3600
    analysis_timeout: int = 90
    analysis_attempts: int = 5
    stream_connections: int = 4
    stream_memory: int = 256 * _MIB
    stream_idle_timeout: int = 300
    stream_grace: int = 8
    access_key: str | None = None
    secret_key: str = ""
    trusted_proxies: tuple[Network, ...] = ()
    public_url: str | None = None
    root_path: str = ""
    cors_origins: tuple[str, ...] = ()
    log_level: LogLevel = "info"
    log_format: LogFormat = "json"
    host: str = "127.0.0.1"
    port: int = 8000
    allow_anonymous: bool = False
    ssl_cert_file: Path | None = None


def load_settings(
    *,
    dotenv: Path | None = Path(".env"),
    default_port: int = 8000,
    fallbacks: Mapping[str, str] | None = None,
    has_clients: bool = True,
) -> Settings:
    """The settings of this process.

    :param dotenv: file with further variables, if it exists; what is in the environment wins.
    :param fallbacks: for what neither has: what the local launcher provides itself.
    :param has_clients: false for a process that answers only who operates it, and has no use for ACCESS_KEY.
    :raises SettingsError: with a message that names the variable.
    """
    env = Env()
    if dotenv is not None and dotenv.is_file():
        env.read_env(str(dotenv), recurse=False)

    def read(name: str, parse: Callable[[str], T], default: T) -> T:
        raw = env.str(name, "").strip() or (fallbacks or {}).get(name, "")
        if not raw:
            return default
        try:
            return parse(raw)
        except ValueError as error:
            raise SettingsError(f"{name}: {error}") from None

    public_url = read("PUBLIC_URL", public_base, None)
    settings = Settings(
        global_proxy=read("GLOBAL_PROXY", proxy_url, None),
        redis_url=read("REDIS_URL", store_url, "redis://127.0.0.1:6379/0"),
        pot_provider_url=read("POT_PROVIDER_URL", base_url, None),
        max_concurrent_analyses=read("MAX_CONCURRENT_ANALYSES", whole(1, 256), 4),
        max_concurrent_downloads=read("MAX_CONCURRENT_DOWNLOADS", whole(1, 100_000), 16),
        max_bandwidth=read("MAX_BANDWIDTH", size(0), 0),
        max_queue_length=read("MAX_QUEUE_LENGTH", whole(1, 1_000_000), 10_000),
        rate_limit=read("RATE_LIMIT", rate_limit, RateLimit(60, 60)),
        result_ttl=read("RESULT_TTL", whole(1, 86_400), 3600),
        analysis_timeout=read("ANALYSIS_TIMEOUT", whole(1, 3600), 90),
        analysis_attempts=read("ANALYSIS_ATTEMPTS", whole(1, 50), 5),
        stream_connections=read("STREAM_CONNECTIONS", whole(1, 32), 4),
        stream_memory=read("STREAM_MEMORY", size(8 * _MIB), 256 * _MIB),
        stream_idle_timeout=read("STREAM_IDLE_TIMEOUT", whole(1, 86_400), 300),
        stream_grace=read("STREAM_GRACE", whole(0, 86_400), 8),
        access_key=read("ACCESS_KEY", secret, None),
        secret_key=read("SECRET_KEY", secret, ""),
        trusted_proxies=read("TRUSTED_PROXIES", networks, ()),
        public_url=public_url,
        root_path=read("ROOT_PATH", root_path, urlsplit(public_url or "").path),
        cors_origins=read("CORS_ORIGINS", origins, ()),
        log_level=read("LOG_LEVEL", one_of("debug", "info", "warning", "error"), "info"),
        log_format=read("LOG_FORMAT", one_of("json", "console"), "json"),
        host=read("HOST", str, "127.0.0.1"),
        port=read("PORT", whole(1, 65_535), default_port),
        allow_anonymous=read("ALLOW_ANONYMOUS", flag, default=False),
        ssl_cert_file=read("SSL_CERT_FILE", existing_file, None),
    )
    if has_clients:
        check_together(settings)
    return settings


def check_together(settings: Settings) -> None:
    """What no single variable can tell.

    :raises SettingsError: with a message that names the variables.
    """
    if settings.access_key is None and not settings.allow_anonymous and not is_loopback(settings.host):
        raise SettingsError(
            f"ACCESS_KEY: empty is only allowed on a loopback address, and HOST is {settings.host}; "
            "set ACCESS_KEY, or ALLOW_ANONYMOUS=true if everyone who can reach this address may use it"
        )
    if settings.access_key is not None and not settings.secret_key:
        raise SettingsError(
            "SECRET_KEY: must be set, to the same value on every function, when ACCESS_KEY is; `make env` makes one"
        )
    if settings.public_url is not None and urlsplit(settings.public_url).path != settings.root_path:
        raise SettingsError("ROOT_PATH: must equal the path of PUBLIC_URL")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from ``low`` to ``high``."""

    def parse(raw: str) -> int:
        if not re.fullmatch(r"\d{1,18}", raw, re.ASCII) or not low <= int(raw) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(raw)

    return parse


def size(low: int) -> Callable[[str], int]:
    """Bytes: a whole number, or one with KiB, MiB, GiB (or KB, MB, GB), at least ``low``."""

    def parse(raw: str) -> int:
        match = re.fullmatch(r"(\d{1,15})\s*(B|[KMG]i?B?)?", raw, re.ASCII | re.IGNORECASE)
        if match is None:
            raise ValueError('must be a number of bytes, such as "268435456" or "256 MiB"')
        unit = (match[2] or "").upper()
        base = 1000 if unit in {"KB", "MB", "GB"} else 1024
        value: int = int(match[1]) * base ** " KMG".index(unit[:1] if unit[:1] in {"K", "M", "G"} else " ")
        if value < low:
            raise ValueError(f"must be at least {low} bytes")
        return value

    return parse


def rate_limit(raw: str) -> RateLimit:
    """``60/minute``; ``0`` switches the limit off."""
    if raw == "0":
        return RateLimit(0, 60)
    match = re.fullmatch(r"(\d{1,9})\s*/\s*(second|minute|hour|day)", raw, re.ASCII)
    if match is None:
        raise ValueError('must look like "60/minute" (second, minute, hour, day), or be 0')
    return RateLimit(int(match[1]), {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}[match[2]])


def proxy_url(raw: str) -> str:
    """One proxy; ``socks5`` and ``socks5h`` mean the same, since the proxy resolves names in every part."""
    parts = _split(raw)
    if parts.scheme not in {"http", "https", "socks5", "socks5h"} or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError("must look like http://user:password@host:port (http, https, socks5 or socks5h)")
    return raw.rstrip("/")


def base_url(raw: str) -> str:
    """An http or https URL without query; a trailing slash does not count."""
    parts = _split(raw)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a complete http:// or https:// URL without query")
    return raw.rstrip("/")


def public_base(raw: str) -> str:
    """A base that stands in every answer, and so holds no credentials."""
    if urlsplit(base_url(raw)).username is not None:
        raise ValueError("must hold no user name and no password: it stands in every answer")
    return base_url(raw)


def root_path(raw: str) -> str:
    """Where the reverse proxy publishes the system: empty, or ``/sluice``."""
    path = raw.rstrip("/")
    if path and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", path):
        raise ValueError("must look like /sluice")
    return path


def origins(raw: str) -> tuple[str, ...]:
    """Origins that may read answers from another site, separated by commas."""
    found = tuple(part.strip().rstrip("/") for part in raw.split(",") if part.strip())
    for origin in found:
        parts = _split(origin)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or "@" in parts.netloc:
            raise ValueError("must be origins such as https://example.org, separated by commas")
    return found


def networks(raw: str) -> tuple[Network, ...]:
    """CIDRs separated by commas."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in raw.split(",") if part.strip())


def secret(raw: str) -> str:
    """Long enough not to be guessed."""
    if len(raw) < MIN_SECRET_LENGTH:
        raise ValueError(f"must have at least {MIN_SECRET_LENGTH} characters; `make env` makes one")
    return raw


def one_of(*values: Choice) -> Callable[[str], Choice]:
    """One of a few words."""

    def parse(raw: str) -> Choice:
        for value in values:
            if value == raw.lower():
                return value
        raise ValueError(f"must be one of {', '.join(values)}")

    return parse


def flag(raw: str) -> bool:
    """``true`` or ``false``."""
    if raw.lower() not in {"true", "1", "yes", "false", "0", "no"}:
        raise ValueError("must be true or false")
    return raw.lower() in {"true", "1", "yes"}


def existing_file(raw: str) -> Path:
    """A file that can be read."""
    path = Path(raw)
    if not path.is_file():
        raise ValueError("there is no such file")
    return path


def _split(raw: str) -> SplitResult:
    """The parts of a URL; whatever is wrong with it is said without repeating it, since it may hold credentials."""
    try:
        parts = urlsplit(raw)
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    return parts
