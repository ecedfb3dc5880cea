"""Log lines as JSON objects, one a line: what every process of ours writes, whatever happens in it."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

__all__ = ["JsonLines", "fields_of", "log_what_escapes", "time_of"]

log = logging.getLogger(__name__)

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """``time``, ``level``, ``role``, ``logger``, ``message``, then the fields of the line."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        members = {
            "time": time_of(record),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            members["traceback"] = self.formatException(record.exc_info)
        return json.dumps(members, default=str, ensure_ascii=False)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What was given as ``extra``."""
    return {name: value for name, value in vars(record).items() if name not in _USUAL}


def time_of(record: logging.LogRecord) -> str:
    """UTC, to the millisecond."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log_what_escapes() -> None:
    """What Python would print by itself becomes a line like all others: errors nobody caught, and warnings."""
    sys.excepthook = _escaped
    threading.excepthook = _escaped_thread
    sys.unraisablehook = _escaped_unraisable
    logging.captureWarnings(True)


def _escaped(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("nobody caught this", exc_info=(kind, error, trace))


def _escaped_thread(told: threading.ExceptHookArgs) -> None:
    error = told.exc_value or told.exc_type()
    extra = {"part": told.thread.name if told.thread else None}
    log.critical("a thread died of this", exc_info=(told.exc_type, error, told.exc_traceback), extra=extra)


def _escaped_unraisable(told: "sys.UnraisableHookArgs") -> None:
    error = told.exc_value or told.exc_type()
    extra = {"where": str(told.err_msg or told.object)[:500]}
    log.error("could not be raised", exc_info=(told.exc_type, error, told.exc_traceback), extra=extra)
