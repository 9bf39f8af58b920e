"""Who may have a file: whoever may use the installation, or holds a link signed for exactly this file."""

from typing import Any

from litestar import Request
from litestar.datastructures import State
from msgspec import Struct

from shared.access import Door
from shared.clients import client_address
from shared.links import Links
from shared.settings import Settings


class Ticket(Struct, frozen=True, kw_only=True):
    """What a link carries besides its path."""

    version: str | None
    expires: str | None
    signature: str | None


class Gate:
    """Lets requests in."""

    def __init__(self, settings: Settings) -> None:
        self._door = Door(settings)
        self._links = Links(settings)
        self._trusted = settings.trusted_proxies

    async def check(self, request: Request[Any, Any, State], media_id: str, target: str, ticket: Ticket) -> None:
        """Return for whoever may have ``target``: a format id, ``thumbnail`` or ``subtitles/en.vtt``.

        :raises ProblemError: ``unauthorized``, ``invalid_signature``, ``rate_limited`` for who has guessed too often
        """
        if ticket.signature is None and await self._door.admits(request):
            return
        self._links.verify(media_id, target, ticket.version, expires=ticket.expires, signature=ticket.signature)

    def client(self, request: Request[Any, Any, State]) -> str:
        """Whose limits this request counts against."""
        return client_address(request.scope, self._trusted)
