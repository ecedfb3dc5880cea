"""Log lines: one JSON object each for machines, one readable line each at a terminal."""

import logging
import sys
from typing import TextIO

from consumers.json_lines import JsonLines, fields_of, log_what_escapes, time_of

__all__ = ["set_up"]

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
    """Send everything to standard error, errors that nobody caught too: JSON unless a person looks at it."""
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_Readable() if target.isatty() else JsonLines(role))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    log_what_escapes()
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    for name in _ALARMED:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class _Readable(logging.Formatter):
    """Time, level, phrase, and the fields as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={value}" for name, value in fields_of(record).items())
        line = f"{time_of(record)[11:23]} {record.levelname.lower():7} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
