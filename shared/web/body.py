"""JSON bodies: strictly what the schema says, or a problem that names the field."""

from typing import Any, Final

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import InternalServerException
from litestar.handlers import BaseRouteHandler

from shared.access import WRITING
from shared.problems import ProblemError

MAX_BODY: Final = 16 * 1024


class JsonRequest(Request[Any, Any, State]):
    """Decodes straight into the handler's Struct. Litestar would decode to plain objects and then coerce ``"1"`` to ``true``."""

    async def body(self) -> bytes:
        """The whole body, at most :data:`MAX_BODY` bytes.

        :raises ProblemError: ``invalid_json`` where the client left before its end, which is no failure of ours
        """
        try:
            return await super().body()
        except InternalServerException:
            raise ProblemError("invalid_json", "The body ended too early.") from None

    async def json(self) -> Any:  # noqa: ANN401 - the type is the handler's
        """The body as what the handler wants.

        :raises ProblemError: ``invalid_json``, ``invalid_request``
        """
        field = self.route_handler.parsed_data_field
        return decode(await self.body(), Any if field is None else field.annotation)


def decode(body: bytes, wanted: Any) -> Any:  # noqa: ANN401 - any type that msgspec knows
    """Strict: no coercion, no unknown field where the Struct forbids it.

    :raises ProblemError: ``invalid_json``, ``invalid_request``
    """
    try:
        return msgspec.json.decode(body, type=wanted)
    except msgspec.ValidationError as error:
        if wanted is not Any:
            decode(body, Any)  # what is no JSON at all may show a wrong type first
        raise ProblemError("invalid_request", _sentence(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError("invalid_json") from None


def _sentence(message: str) -> str:
    """``Expected `str`, got `int` - at `$.url``` becomes ``url: Expected `str`, got `int```."""
    what, _, where = message.partition(" - at `$.")
    return f"{where.rstrip('`')}: {what}" if where else what


def requires_json(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Whatever changes something says that it speaks JSON, which no form of another site can do without a preflight.

    :raises ProblemError: ``unsupported_media_type``
    """
    media_type = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if connection.scope.get("method") in WRITING and media_type != "application/json":
        raise ProblemError("unsupported_media_type")
