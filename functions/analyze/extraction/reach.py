"""Where yt-dlp may go: to YouTube, and to the token service. Whatever an answer says, no request and no redirect leads elsewhere.

yt-dlp follows redirects, and the addresses of manifests and players, wherever they lead. Its requests all pass one method of one
session, redirects included, and that method asks here.
"""

# ruff: noqa: SLF001 - yt-dlp has no public place for this

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from requests.exceptions import ConnectionError as NoConnectionError
from yt_dlp.utils import extract_basic_auth
from yt_dlp.utils.networking import normalize_url

from shared import hosts

_HANDLER: Final = "Requests"
_ASKED: Final = ("/ping", "/get_pot")
"""What the plugin asks of the token service."""


def may_reach(url: str, *, provider: str | None) -> bool:
    """Whether yt-dlp may ask this address. Pure.

    :param provider: the token service's base
    """
    return hosts.is_allowed(url, hosts.ANALYSIS) or (provider is not None and url in {_asked(provider + path) for path in _ASKED})


def _asked(url: str) -> str:
    """As yt-dlp and its HTTP client write it: a host in lower case, and credentials in a header."""
    plain: str = extract_basic_auth(normalize_url(url))[0]
    return urlsplit(plain)._replace(netloc=urlsplit(plain).netloc.lower()).geturl()


def confine(ydl: Any, *, provider: str | None) -> None:  # noqa: ANN401 - yt-dlp's object, changed in place
    """Let this YoutubeDL reach nothing else. Unlike the other seams it is strict: without it there is no analysis.

    :raises LookupError: where yt-dlp has changed so that it cannot be confined
    """
    director = ydl._request_director
    handler = director.handlers[_HANDLER]
    # The others would go their own way: urllib by its own redirects, curl by a library's.
    director.handlers = {_HANDLER: handler}
    create = handler._create_instance

    def created(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        session = create(*args, **kwargs)
        session.get_adapter = _guarded(session.get_adapter, provider)
        return session

    handler._create_instance = created


def _guarded(get_adapter: Callable[[str], Any], provider: str | None) -> Callable[[str], Any]:
    def guarded(url: str) -> Any:  # noqa: ANN401
        if not may_reach(url, provider=provider):
            raise NoConnectionError("Unable to connect: this is no address of YouTube's")
        return get_adapter(url)

    return guarded
