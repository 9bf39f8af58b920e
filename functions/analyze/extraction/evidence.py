"""What yt-dlp's log says went wrong on the way to a result. Pure; most of it never becomes an exception."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from functions.analyze.extraction.wire import Line

_TOKEN_REQUIRED: Final = re.compile(r": (\S+) client (?:https|hls|dash) formats require a GVS PO Token which was not provided")
_PROVIDER: Final = re.compile(
    r"(?:Error|error) reaching (?:GET|POST)|HTTP Error reaching|Error parsing (?:ping )?response|major versions are mismatched"
    r"|(?:Error|error when) fetching PO Token|Invalid PO Token response|left alone"
)
LEFT_ALONE: Final = "[pot] The PO token service did not answer a moment ago and is left alone"
_GENERATING: Final = re.compile(r"\[pot:.*Generating an? \S+ PO Token")
_PROVIDER_REASON: Final = re.compile(r"PoTokenProviderError\(['\"](?!Error |Server )(.+?)['\"]\)")
"""What the token service says went wrong, not what the plugin says of the service."""
_CHALLENGE: Final = re.compile(r"(?:Signature|n challenge) solving failed|No supported JavaScript runtime could be found")
_RATE_LIMITED: Final = re.compile(r"HTTP Error 429|has been rate-limited")
_ASKING: Final = re.compile(r": Downloading (?:(.+) player API JSON)?")
"""What is asked for next; the name of a client where that is its player response."""
_SABR: Final = re.compile(r"Some (\S+) client https formats have been skipped as they are missing a URL")
_DRM: Final = re.compile(r"formats have been skipped as they are DRM protected|This video is DRM protected")
_PROXY: Final = re.compile(
    r"Unable to connect to proxy|ProxyError|Tunnel connection failed|SOCKS|CONNECT tunnel failed", re.IGNORECASE
)
_PROXY_AUTH: Final = re.compile(r"\b407\b|authentication (?:failed|required)|Invalid (?:username|authentication)", re.IGNORECASE)
_NETWORK: Final = re.compile(
    r"timed out|Connection (?:refused|reset|aborted)|Failed to resolve|getaddrinfo|Network is unreachable|No route to host"
    r"|CERTIFICATE_VERIFY_FAILED|SSLError|TransportError|bytes read, \d+ more expected|HTTP Error 5\d\d|Unable to connect"
    r"|EOF occurred|Remote end closed",
    re.IGNORECASE,
)
_CERTIFICATE: Final = re.compile(r"CERTIFICATE_VERIFY_FAILED|CertificateVerifyError", re.IGNORECASE)


class Evidence(Struct, frozen=True, kw_only=True):
    """Clients are named as yt-dlp names them; ``rate_limited`` are those whose player response was refused for that reason."""

    token_required: frozenset[str] = frozenset()
    sabr: frozenset[str] = frozenset()
    is_provider_failing: bool = False
    provider_reason: str | None = None
    is_challenge_failing: bool = False
    is_rate_limited: bool = False
    rate_limited: frozenset[str] = frozenset()
    is_drm: bool = False
    is_proxy_failing: bool = False
    is_proxy_refusing: bool = False
    is_network_failing: bool = False
    is_certificate_untrusted: bool = False


def evidence(lines: Iterable[Line], failure: str = "") -> Evidence:
    """Read the log, and the error's text if it ended with one."""
    texts = [line.text for line in lines]
    ours = [text for text in texts if "[pot" not in text]  # the token service is reached without the proxy
    troubles = "\n".join([*ours, failure])
    is_proxy_failing = bool(_PROXY.search(troubles))
    return Evidence(
        token_required=frozenset(match[1] for text in texts if (match := _TOKEN_REQUIRED.search(text))),
        sabr=frozenset(match[1] for text in texts if (match := _SABR.search(text))),
        is_provider_failing=any("[pot" in text and _PROVIDER.search(text) for text in texts),
        provider_reason=next((match[1] for text in texts if (match := _PROVIDER_REASON.search(text))), None),
        is_challenge_failing=bool(_CHALLENGE.search(troubles)),
        is_rate_limited=bool(_RATE_LIMITED.search(troubles)),
        rate_limited=frozenset(_rate_limited(texts)),
        is_drm=bool(_DRM.search(troubles)),
        is_proxy_failing=is_proxy_failing,
        is_proxy_refusing=is_proxy_failing and bool(_PROXY_AUTH.search(troubles)),
        is_network_failing=bool(_NETWORK.search(troubles)),
        is_certificate_untrusted=bool(_CERTIFICATE.search(troubles)),
    )


def is_asking_for_token(lines: Sequence[Line]) -> bool:
    """Whether that is the last that was heard."""
    return bool(lines) and bool(_GENERATING.search(lines[-1].text))


def _rate_limited(texts: Iterable[str]) -> Iterator[str]:
    """A refusal follows the line that says who asks."""
    client = None
    for text in texts:
        if match := _ASKING.search(text):
            client = match[1] and match[1].replace(" ", "_")
        elif client is not None and _RATE_LIMITED.search(text):
            yield client
