"""Structured logs: an event is a name with fields, on one line, as JSON for machines or as text for people.

Callers of `log_event` choose the fields: none may hold a secret, or unbounded text of a client.
"""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

LOGGER = "paperwire"
Progress = Callable[[str, int, int], None]  # what is being done, how much of it is done, how much there is
NO_PROGRESS: Progress = lambda _what, _done, _total: None  # noqa: E731 - a value among others
EVENTS = logging.getLogger(f"{LOGGER}.event")
_SERVER, _SERVER_ERRORS, _SERVER_REQUESTS = "uvicorn", "uvicorn.error", "uvicorn.access"


def log_event(name: str, level: int = logging.INFO, /, **fields: Any) -> None:
    """Log that `name` happened. Fields that are None are left out; the others are JSON values."""
    if EVENTS.isEnabledFor(level):
        # Without `EVENTS.log`, which finds the caller's file and line at a third of the cost of a line
        record = logging.LogRecord(EVENTS.name, level, "", 0, name, None, None)
        record.fields = {key: value for key, value in fields.items() if value is not None}
        EVENTS.handle(record)


def configure_logging(level: str, *, as_json: bool, alone: bool = False) -> None:
    """Write events and other records of Paperwire and of uvicorn from `level` on to standard error, one line each.

    uvicorn's access log is turned off: the event `request` has more fields, and never shows a key. `alone`: records are
    not passed to the root logger, where a platform (AWS Lambda) has a handler that would write them again.
    """
    handler = _ToStderr()
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    for name in (LOGGER, _SERVER):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = name == LOGGER and not alone
    errors, requests = logging.getLogger(_SERVER_ERRORS), logging.getLogger(_SERVER_REQUESTS)
    errors.handlers, errors.propagate = [], True
    errors.setLevel(logging.NOTSET)
    requests.handlers, requests.propagate = [], False


class JsonFormatter(logging.Formatter):
    """`{"time": …, "level": …, "event": …, …}`: an event has its fields, other records `logger` and `message`."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line."""
        line: dict[str, Any] = {"time": _time(record), "level": record.levelname.lower()}
        fields = _fields(record)
        if fields is None:
            line |= {"event": "log", "logger": record.name, "message": record.getMessage()}
        else:
            line |= {"event": record.msg, **fields}
        if error := _error(record):
            line["error"] = error
        written = orjson.dumps(line, default=str)  # several times faster, but it does not escape U+2028
        return written.decode() if written.isascii() else json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """`12:00:00 request method=GET path=/ …`: the time of day in UTC, the level above info, and the event."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line, followed by its traceback if it has one."""
        fields = _fields(record)
        said = record.getMessage() if fields is None else " ".join([record.msg, *map(_pair, fields.items())])
        level = f"{record.levelname.lower()}: " if record.levelno > logging.INFO else ""
        error = _error(record)
        return f"{_time(record)[11:19]} {level}{_one_line(said)}" + (f"\n{error}" if error else "")


class _ToStderr(logging.StreamHandler[TextIO]):
    """Writes to the current standard error of each line: servers and tests may replace it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """The current standard error."""
        return sys.stderr


def _fields(record: logging.LogRecord) -> Mapping[str, Any] | None:
    fields: Mapping[str, Any] | None = getattr(record, "fields", None)
    return fields


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _error(record: logging.LogRecord) -> str:
    return "".join(traceback.format_exception(*record.exc_info)).rstrip() if record.exc_info else ""


def _pair(pair: tuple[str, Any]) -> str:
    name, value = pair
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return f"{name}={orjson.dumps(text).decode() if ' ' in text or not text else text}"


def _one_line(text: str) -> str:
    """Returns `text` without line breaks and control characters of terminals."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
