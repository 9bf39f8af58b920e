"""The one place where exceptions become answers. Whatever goes wrong has a code of the catalogue; nothing of an exception leaks."""

import re
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException
from litestar.types import ExceptionHandlersMap
from redis.exceptions import RedisError

from shared.problems import ProblemError
from shared.web.page import render_page

PROBLEM_JSON: Final = "application/problem+json"
HTML: Final = "text/html"
RETRY_STORE: Final = 2
"""Seconds after which a store that restarts is usually back."""

_CODES: Final = {
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
_SERVER_ERROR: Final = 500
_MISSING: Final = re.compile(r"Missing required \w+ parameter '([\w-]+)'")
_EMPTY_BODY: Final = "missing required field `data`"  # `data` is what Litestar calls the body

_log = structlog.stdlib.get_logger(__name__)


def translate(error: Exception) -> ProblemError:
    """The problem that stands for an exception. Pure."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RedisError):
        return ProblemError("store_unavailable", retry_after=RETRY_STORE)
    if isinstance(error, ValidationException):
        return _invalid(error)
    if isinstance(error, HTTPException) and error.status_code < _SERVER_ERROR:
        return ProblemError(_CODES.get(error.status_code, "invalid_request"))
    return ProblemError("internal_error")


def _invalid(error: ValidationException) -> ProblemError:
    """Names the field and says what is wrong with it, never what was sent."""
    if _EMPTY_BODY in str(error.__cause__):
        return ProblemError("invalid_json", "The body is empty.")
    missing = _MISSING.match(error.detail)
    if missing:
        return ProblemError("invalid_request", f"{missing[1]}: is required.")
    fields: list[Any] = error.extra if isinstance(error.extra, list) else []
    return ProblemError("invalid_request", "; ".join(f"{field.get('key')}: {field['message']}" for field in fields) or None)


def answer(request: Request[Any, Any, State], error: Exception) -> Response[Any]:
    """What the client gets: a problem, or a small page where a person follows a link."""
    problem = translate(error)
    if problem.code in {"internal_error", "store_unavailable"} and not isinstance(error, ProblemError):
        _log.error("unexpected", code=problem.code, exc_info=error)
    structlog.contextvars.bind_contextvars(code=problem.code)
    headers = _headers(error, problem)
    if _is_navigation(request):
        page = render_page(problem)
        return Response(page.body, status_code=problem.status, media_type="text/html", headers=headers | page.headers)
    return Response(problem.to_problem(), status_code=problem.status, media_type=PROBLEM_JSON, headers=headers)


def _headers(error: Exception, problem: ProblemError) -> dict[str, str]:
    headers = dict(problem.headers)
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.code == "unauthorized":
        headers["WWW-Authenticate"] = 'Bearer realm="sluice"'
    if isinstance(error, MethodNotAllowedException):
        headers["Allow"] = (error.headers or {}).get("allow", "")
    return headers


def _is_navigation(request: Request[Any, Any, State]) -> bool:
    """Whether a browser opened an address that people open (opt ``navigable``) rather than a program fetched it."""
    handler = request.scope.get("route_handler")
    if handler is None or not handler.opt.get("navigable"):
        return False
    return request.accept.best_match([PROBLEM_JSON, "application/json", "text/html"]) == "text/html"


HANDLERS: Final[ExceptionHandlersMap] = {Exception: answer}
