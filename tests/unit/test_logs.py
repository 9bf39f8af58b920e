"""One line per event, whoever writes it, and no secret in any."""

import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
import structlog
from msgspec.structs import replace

from shared.logs import configure_logging
from shared.settings import Settings

SECRET = "the access key of ours"
SETTINGS = Settings(access_key=SECRET, secret_key="s3cret" * 4)


Lines: TypeAlias = pytest.CaptureFixture[str]


@pytest.fixture
def lines(capsys: Lines) -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield capsys
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def read(lines: Lines) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.readouterr().out.splitlines()]


def test_an_event(lines: Lines) -> None:
    configure_logging(SETTINGS, name="status")
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.stdlib.get_logger("a.b").info("request", status=200)
    (event,) = read(lines)
    assert event.pop("timestamp").endswith("Z")
    assert event == {"function": "status", "event": "request", "status": 200, "request_id": "r1", "logger": "a.b", "level": "info"}


def test_the_standard_library_ends_in_the_same_lines(lines: Lines) -> None:
    configure_logging(SETTINGS)
    logging.getLogger("uvicorn.error").info("Uvicorn running on %s", "http://x:y@127.0.0.1", extra={"cookie": "a=b"})
    (event,) = read(lines)
    assert event["event"] == "Uvicorn running on http://[redacted]@127.0.0.1"
    assert event["logger"] == "uvicorn.error"
    assert event["cookie"] == "[redacted]"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_is_clean(lines: Lines, log_format: Any) -> None:
    configure_logging(replace(SETTINGS, log_format=log_format))
    try:
        try:
            int(f"pot=abcdefgh {SECRET}")
        except ValueError as error:
            raise RuntimeError("https://rr1.googlevideo.com/videoplayback?ip=203.0.113.4") from error
    except RuntimeError:
        structlog.stdlib.get_logger("a").exception("failed", url=f"https://x/?signature={SECRET}")
        logging.getLogger("b").exception("failed too: %s", SECRET)
    text = lines.readouterr().out
    assert text.count("Traceback") >= 2
    for leaked in (SECRET, "abcdefgh", "203.0.113.4"):
        assert leaked not in text


def test_the_level_is_kept(lines: Lines) -> None:
    configure_logging(replace(SETTINGS, log_level="warning"))
    structlog.stdlib.get_logger("a").info("quiet")
    logging.getLogger("b").info("quiet")
    structlog.stdlib.get_logger("a").warning("loud")
    assert [event["event"] for event in read(lines)] == ["loud"]


def test_libraries_that_tell_every_request_are_quiet(lines: Lines) -> None:
    configure_logging(SETTINGS)
    logging.getLogger("httpx").info("HTTP Request: GET https://…")
    assert read(lines) == []


def test_warnings_are_lines_too(lines: Lines) -> None:
    configure_logging(SETTINGS)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(f"odd {SECRET}", stacklevel=1)
        logging.captureWarnings(capture=False)
    (event,) = read(lines)
    assert event["level"] == "warning"
    assert SECRET not in event["event"]


def test_configuring_twice_writes_once(lines: Lines) -> None:
    configure_logging(SETTINGS)
    configure_logging(SETTINGS)
    structlog.stdlib.get_logger("a").info("once")
    assert len(read(lines)) == 1
