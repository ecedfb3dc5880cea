"""Log lines: one JSON object each for machines, one readable line each at a terminal."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

__all__ = ["set_up"]

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_TALKATIVE = (
    "kafka",
    "faust",
    "botocore",
    "boto3",
    "urllib3",
    "s3transfer",
    "asyncio",
    "watchdog",
    "mode",
    "aiokafka",
)
"""Libraries whose remarks at ``info`` are about themselves."""

_ALARMED = ("kafka.net", "kafka.cluster")
"""Their warnings tell of a busy machine or of a broker that is away; whoever needs the broker says that itself."""


def set_up(level: str, *, role: str, stream: TextIO | None = None) -> None:
    """Send everything to standard error: JSON unless a person looks at it."""
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_Readable() if target.isatty() else _Json(role))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    for name in _ALARMED:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class _Json(logging.Formatter):
    """``time``, ``level``, ``role``, ``logger``, ``message``, then the fields of the line."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        members = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            members["traceback"] = self.formatException(record.exc_info)
        return json.dumps(members, default=str, ensure_ascii=False)


class _Readable(logging.Formatter):
    """Time, level, phrase, and the fields as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={value}" for name, value in fields_of(record).items())
        line = f"{_time(record)[11:23]} {record.levelname.lower():7} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What was given as ``extra``."""
    return {name: value for name, value in vars(record).items() if name not in _USUAL}


def _time(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
