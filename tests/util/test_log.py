"""Logs: one line for each event, for machines and for people, and nothing that looks like another line."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import pytest

from core.config.settings import load_settings
from core.model.errors import ConfigError
from core.util.log import EVENTS, LOGGER, JsonFormatter, TextFormatter, configure_logging, log_event

NAMES = (LOGGER, "uvicorn", "uvicorn.error", "uvicorn.access")


@contextmanager
def written(level: str = "INFO", *, as_json: bool) -> Iterator[io.StringIO]:
    """What is logged inside; the loggers are as they were afterwards."""
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [(one.handlers, one.level, one.propagate) for one in loggers]
    configure_logging(level, as_json=as_json)
    try:
        with redirect_stderr(io.StringIO()) as out:
            yield out
    finally:
        for one, (handlers, was, propagate) in zip(loggers, before, strict=True):
            one.handlers, one.level, one.propagate = handlers, was, propagate
            one.manager._clear_cache()  # type: ignore[attr-defined]


def test_an_event_as_json() -> None:
    """A line holds the time, the level, the name and the fields; None is no field."""
    with written(as_json=True) as out:
        log_event("refresh", batch="2026-03-06", papers=3, reason=None, took=0.5)
    line = json.loads(out.getvalue())
    assert line.pop("time").endswith("Z")
    assert {"level": "info", "event": "refresh", "batch": "2026-03-06", "papers": 3, "took": 0.5} == line


def test_an_event_as_text() -> None:
    with written(as_json=False) as out:
        log_event("refresh", batch="2026-03-06", reason="two words", papers=3)
    assert 'refresh batch=2026-03-06 reason="two words" papers=3\n' == out.getvalue()[9:]


def test_other_records() -> None:
    """What is logged in the ordinary way is a line of the same form, with its traceback."""
    with written(as_json=True) as out:
        try:
            raise ValueError("no")
        except ValueError:
            logging.getLogger("paperwire").exception("it failed: %s", "x")
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    first, second = map(json.loads, out.getvalue().splitlines())
    assert ("error", "log", "paperwire", "it failed: x") == tuple(
        first[k] for k in ("level", "event", "logger", "message")
    )
    assert first["error"].endswith("ValueError: no")
    assert ("warning", "uvicorn.error") == (second["level"], second["logger"])


@pytest.mark.parametrize("as_json", [True, False])
def test_one_line(as_json: bool) -> None:
    """Nothing in a field begins another line or moves a terminal's cursor."""
    with written(as_json=as_json) as out:
        log_event("request", path="/a\nb\r\x1b[2J\u2028 c")
    assert 1 == len(out.getvalue().splitlines())
    assert "\x1b" not in out.getvalue()


def test_levels() -> None:
    """What is below the level is not written, nor uvicorn's own line for each request."""
    with written("WARNING", as_json=True) as out:
        log_event("request")
        log_event("refresh", logging.WARNING, state="failed")
    assert ["refresh"] == [json.loads(line)["event"] for line in out.getvalue().splitlines()]
    with written(as_json=True) as out:
        logging.getLogger("uvicorn.access").info("GET /?key=secret")
        assert not logging.getLogger("uvicorn.access").hasHandlers()
    assert "" == out.getvalue()


def test_formatters_take_any_value() -> None:
    """A value that is no JSON is written as text: a log never fails."""
    record = logging.LogRecord(EVENTS.name, logging.INFO, "", 0, "x", None, None)
    record.fields = {"value": object, "bytes": b"\xff"}
    assert "object" in JsonFormatter().format(record)
    assert "object" in TextFormatter().format(record)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("INFO", False)),
        ({"vercel": "1"}, ("INFO", True)),
        ({"aws_lambda_function_name": "wire"}, ("INFO", True)),
        ({"vercel": "1", "log_format": "text"}, ("INFO", False)),
        ({"log_format": "json", "log_level": "debug"}, ("DEBUG", True)),
    ],
)
def test_settings(variables: dict[str, str], expected: tuple[str, bool]) -> None:
    """JSON where nobody sits at a terminal, unless the owner says otherwise."""
    settings = load_settings(_env_file=None, **variables)
    assert expected == (settings.log_level, settings.logs_json)


@pytest.mark.parametrize("variables", [{"log_format": "xml"}, {"log_level": "loud"}, {"rate_limit": "-1"}])
def test_wrong_settings(variables: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(variables)).upper()):
        load_settings(_env_file=None, **variables)


def test_standard_error_is_looked_up_each_time() -> None:
    """Who replaces it gets the lines."""
    with written(as_json=True) as out, redirect_stderr(io.StringIO()) as other:
        assert sys.stderr is other
        log_event("x")
    assert ("", True) == (out.getvalue(), bool(other.getvalue()))
