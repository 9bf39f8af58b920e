"""Cutting a connection at once: a server's close waits until the client has taken what is queued for it, which may be never."""

from collections.abc import Callable
from typing import Any, Final

EXTENSION: Final = "sluice.abort"
"""Of the ASGI scope; :mod:`shared.serve` offers it."""


def offer_abort(scope: Any, abort: Callable[[], None]) -> None:  # noqa: ANN401 - server and framework type scopes differently
    """Let the application cut this request's connection."""
    scope["extensions"] = {EXTENSION: {"abort": abort}}


def abort(scope: Any) -> None:  # noqa: ANN401 - as above
    """Cut the connection, whatever is still queued for the client; nothing on a server that does not offer it."""
    extension = (scope.get("extensions") or {}).get(EXTENSION)
    if extension is not None:
        extension["abort"]()
