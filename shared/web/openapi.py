"""The OpenAPI document: generated from handlers and schemas, with every problem a handler may answer."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from litestar import Litestar, Response, get
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from shared import schemas
from shared.access import COOKIE, WRITING
from shared.problems import CATALOGUE
from shared.settings import Settings
from shared.web.errors import PROBLEM_JSON

VERSION: Final = "1.0.0"
_COMPONENT: Final = "#/components/schemas/{name}"
_FIRST_ERROR: Final = 400
_NO_CONTENT: Final = "204"
_ANY_BODY: Final = {
    "description": "Ignored, but its type must be application/json: no form of another site can send that",
    "content": {"application/json": {"schema": {}}},
    "required": True,
}
_ANY: Final = ("internal_error", "store_unavailable")
_BODY: Final = ("invalid_json", "invalid_request", "too_large")
_SCHEMES: Final = {
    "key": {"type": "http", "scheme": "bearer", "description": "The access key of this installation"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    "signature": {"type": "apiKey", "in": "query", "name": "signature", "description": "Part of every link in an answer"},
}
_SECURITY: Final[dict[str, list[dict[str, list[str]]]]] = {
    "public": [],
    "signature": [{"signature": []}, {"key": []}, {"session": []}],
    "key": [{"key": []}, {"session": []}],
}


def openapi_handler(
    *,
    name: str,
    settings: Settings,
    route_handlers: Sequence[ControllerRouterHandler],
    dependencies: Mapping[str, Provide],
) -> HTTPRouteHandler:
    """Serves the document, made once."""
    document = msgspec.json.encode(describe(name=name, settings=settings, route_handlers=route_handlers, dependencies=dependencies))

    @get(f"/v1/{name}/openapi.json", include_in_schema=False, access="public", is_quiet=True)
    async def openapi() -> Response[bytes]:
        return Response(document, media_type="application/json")

    return openapi


def describe(
    *,
    name: str,
    settings: Settings,
    route_handlers: Sequence[ControllerRouterHandler],
    dependencies: Mapping[str, Provide],
) -> dict[str, Any]:
    """The document as plain data.

    A second application, never served, is what generates it: the generator's routes would claim paths next to ours.
    """
    sketch = Litestar(
        route_handlers,
        dependencies=dict(dependencies),
        logging_config=None,
        openapi_config=OpenAPIConfig(title=f"Sluice: {name}", version=VERSION, use_handler_docstrings=True),
    )
    document: dict[str, Any] = msgspec.to_builtins(sketch.openapi_schema.to_schema())
    document["servers"] = [{"url": settings.public_url or settings.root_path or "/"}]
    components = document.setdefault("components", {})
    components["schemas"] = components.get("schemas", {}) | _schemas({"Problem", *components.get("schemas", {})})
    components["securitySchemes"] = _SCHEMES
    for path, method, handler in _operations(sketch):
        operation = document["paths"][path][method]
        if method == "delete":
            operation.setdefault("requestBody", _ANY_BODY)
        access = handler.opt.get("access", "key")
        operation["security"] = _SECURITY[access] if settings.access_key is not None else []
        codes = _codes(handler, has_parameters="parameters" in operation, has_key=access == "key")
        operation["responses"] = _without_errors(operation["responses"]) | _problems(codes)
    return document


def _operations(sketch: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in sketch.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if handler.resolve_include_in_schema():
                    yield route.path_format, method.lower(), handler


def _codes(handler: HTTPRouteHandler, *, has_parameters: bool, has_key: bool) -> Iterator[str]:
    """What any handler of this shape may answer, and what this one says it may (opt ``codes``)."""
    yield from _ANY
    yield from handler.opt.get("codes", ())
    if has_key:
        yield from ("unauthorized", "rate_limited")
    if has_parameters:
        yield "invalid_request"
    if handler.parsed_data_field is not None:
        yield from _BODY
    if handler.http_methods & WRITING:
        yield "unsupported_media_type"
        if has_key:
            yield "forbidden_origin"


def _without_errors(responses: dict[str, Any]) -> dict[str, Any]:
    """Litestar documents its own error format, which no client ever sees here, and a body where there is none."""
    responses.get(_NO_CONTENT, {}).pop("content", None)
    return {status: response for status, response in responses.items() if int(status) < _FIRST_ERROR}


def _problems(codes: Iterable[str]) -> dict[str, Any]:
    """One response per status, naming its codes."""
    by_status: dict[str, list[str]] = defaultdict(list)
    for code in sorted(set(codes)):
        by_status[str(CATALOGUE[code].status)].append(code)
    return {status: _response(found) for status, found in sorted(by_status.items())}


def _response(codes: list[str]) -> dict[str, Any]:
    schema = {"allOf": [{"$ref": _COMPONENT.format(name="Problem")}, {"properties": {"code": {"enum": codes}}}]}
    description = "\n".join(f"* `{code}`: {CATALOGUE[code].title}" for code in codes)
    return {"description": description, "content": {PROBLEM_JSON: {"schema": schema}}}


def _schemas(names: set[str]) -> dict[str, Any]:
    """As msgspec describes them, which reads and writes them; Litestar's description forgets ``forbid_unknown_fields``."""
    structs = [found for found in vars(schemas).values() if isinstance(found, type) and issubclass(found, msgspec.Struct)]
    _, components = msgspec.json.schema_components(structs, ref_template=_COMPONENT)
    components["Problem"]["required"] = list(components["Problem"]["properties"])  # always present, also those with a default
    return {name: schema for name, schema in components.items() if name in names}
