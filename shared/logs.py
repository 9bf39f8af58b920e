"""Logging for every process: one line per event on stdout, JSON or for people, and no secret in any of them.

structlog's events and those of the standard library (uvicorn, httpx, Dramatiq) end in the same formatter, where the last step
before rendering is redaction: what was logged as an object, an argument or a traceback is text by then.
"""

import logging
import logging.config
import sys
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.redaction import Redactor, redactor
from shared.settings import Settings

_QUIET: Final = ("httpx", "httpcore", "urllib3", "asyncio", "uvicorn.access")
"""They tell every request, every connection or every slow step."""

_ENRICH: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logging(settings: Settings, *, name: str | None = None) -> None:
    """Called once by whatever starts a process.

    :param name: which function writes, where several write to one place
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_ENRICH,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter(settings, name=name))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    for noisy in _QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def formatter(settings: Settings, *, name: str | None = None) -> logging.Formatter:
    """What every line goes through, whoever wrote it."""
    renderer: Processor = structlog.processors.JSONRenderer()
    if settings.log_format == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_ENRICH, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _without_color,
            _named(name),
            _redacting(redactor(settings)),
            renderer,
        ],
    )


def _named(name: str | None) -> Processor:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return event if name is None else {"function": name, **event}

    return add


def _without_color(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Uvicorn adds every message a second time, with escape sequences."""
    event.pop("color_message", None)
    return event


def _redacting(hide: Redactor) -> Processor:
    def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        clean: dict[str, Any] = hide.value(event)
        return clean

    return redact
