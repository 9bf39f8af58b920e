"""The few places where yt-dlp's inside is touched, each on one extractor object and never on its classes.

All are tolerant: should yt-dlp change, the recording stays empty (:attr:`Recording.offers` is None), tokens and players are fetched
as yt-dlp does by itself, and the analysis goes on.
"""

# ruff: noqa: SLF001 - what this module is for

import contextlib
import dataclasses
import functools
import socket
import time
from collections.abc import Callable
from typing import Any

from functions.analyze.extraction import offers, players
from functions.analyze.extraction.breaker import Breaker
from functions.analyze.extraction.evidence import LEFT_ALONE
from functions.analyze.extraction.wire import Offer, Playability

_CLIENT_KEYS = ("__yt_dlp_client", "_client")
_PAGE_CLIENT = "web"
_NO_DELAY = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]


class Recording:
    """What the player responses of one extraction said."""

    def __init__(self) -> None:
        self.offers: list[Offer] | None = None
        self.playability: list[Playability] = []

    def take(self, responses: list[dict[str, Any]], page: dict[str, Any] | None) -> None:
        """Read every response; the page's own comes last, unless it is among them with its formats."""
        found: list[Offer] = []
        clients = set()
        for response in responses:
            client = _client(response)
            clients.add(client)
            found += offers.offers(response, client or _PAGE_CLIENT)
            self._note(response, client)
        if page is not None and _PAGE_CLIENT not in clients:
            found += offers.offers(page, _PAGE_CLIENT)
        self.offers = found

    def _note(self, response: dict[str, Any], client: str | None) -> None:
        noted = offers.playability(response, client)
        if noted is not None and noted not in self.playability:
            self.playability.append(noted)


def observe(
    extractor: Any,  # noqa: ANN401 - yt-dlp's extractor is untyped
    recording: Recording,
    breaker: Breaker | None,
    *,
    bypass_cache: bool,
) -> None:
    """Put every seam on this extractor.

    :param breaker: None where the token service is left alone
    """
    _record_player_responses(extractor, recording)
    if breaker is None:
        _refuse_token_requests(extractor)
    else:
        _bound_token_requests(extractor, breaker, bypass_cache=bypass_cache)
    _keep_players(extractor)
    _send_at_once(extractor)


def _record_player_responses(extractor: Any, recording: Recording) -> None:  # noqa: ANN401
    """``_extract_player_responses`` returns (responses, player URL); its third argument is the page."""
    original = getattr(extractor, "_extract_player_responses", None)
    if original is None:
        return

    def recorded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        answer = original(*args, **kwargs)
        _tolerantly(lambda: recording.take(answer[0], _page_response(extractor, *args[1:3])))
        return answer

    extractor._extract_player_responses = recorded


def _page_response(extractor: Any, video_id: Any = None, webpage: Any = None) -> dict[str, Any] | None:  # noqa: ANN401
    if not webpage:
        return None
    found = extractor._search_json(
        extractor._YT_INITIAL_PLAYER_RESPONSE_RE, webpage, "initial player response", video_id, fatal=False, default=None
    )
    return found if isinstance(found, dict) else None


def _bound_token_requests(extractor: Any, breaker: Breaker, *, bypass_cache: bool) -> None:  # noqa: ANN401
    """Ask a failing provider as seldom as :mod:`breaker` says; bypass its cache if told to."""

    def bound() -> None:
        director = extractor._pot_director
        original: Callable[[Any], Any] = director.get_po_token

        def bounded(request: Any) -> Any:  # noqa: ANN401
            key = (getattr(request, "internal_client_name", None), getattr(request, "context", None))
            if not breaker.allows(key):
                return None
            began, token = time.monotonic(), None
            try:
                token = original(dataclasses.replace(request, bypass_cache=True) if bypass_cache else request) or None
            finally:  # what is no base64 comes as an empty token or as an error
                if token is None:
                    breaker.failed(key, seconds=time.monotonic() - began)
            return token

        director.get_po_token = bounded

    _when_initialized(extractor, bound)


def _refuse_token_requests(extractor: Any) -> None:  # noqa: ANN401
    """Nobody is asked; the log tells, once."""

    @functools.cache
    def tell() -> None:
        extractor.report_warning(LEFT_ALONE)

    def refused(_: Any) -> None:  # noqa: ANN401
        _tolerantly(tell)

    def refuse() -> None:
        extractor._pot_director.get_po_token = refused

    _when_initialized(extractor, refuse)


def _keep_players(extractor: Any) -> None:  # noqa: ANN401
    """Let this extractor know what earlier ones learnt of YouTube's player scripts."""

    def remember() -> None:
        if isinstance(extractor._code_cache, dict):
            extractor._code_cache = players.SCRIPTS
        extractor._downloader.cache = players.TAKEN_APART
        for provider in extractor._jsc_director.providers.values():
            # The solver's half-way result: yt-dlp has it switched off because its cache is on the disk and never shrinks.
            provider._ENABLE_PREPROCESSED_PLAYER_CACHE = True

    _when_initialized(extractor, remember)


def _send_at_once(extractor: Any) -> None:  # noqa: ANN401
    """Switch Nagle's algorithm off: urllib3 leaves it on for proxies, and every POST's body waits for its head's acknowledgement.

    That is 40 ms for each player response, and more the further away the proxy is.
    """

    def hurry() -> None:
        handler = extractor._downloader._request_director.handlers["Requests"]
        create = handler._create_instance

        def created(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            session = create(*args, **kwargs)
            _tolerantly(lambda: [adapter._pm_args.update(socket_options=_NO_DELAY) for adapter in session.adapters.values()])
            return session

        handler._create_instance = created

    _when_initialized(extractor, hurry)


def _when_initialized(extractor: Any, step: Callable[[], None]) -> None:  # noqa: ANN401
    """The directors for tokens and challenges are made when the extractor is initialised: before its first request."""
    initialize = extractor._real_initialize

    def initialized() -> None:
        initialize()
        _tolerantly(step)

    extractor._real_initialize = initialized


def _client(response: dict[str, Any]) -> str | None:
    streaming = response.get("streamingData") or {}
    return next((str(streaming[key]) for key in _CLIENT_KEYS if streaming.get(key)), None)


def _tolerantly(step: Callable[[], object]) -> None:
    """An observer must never be the reason why an analysis fails."""
    with contextlib.suppress(Exception):
        step()
