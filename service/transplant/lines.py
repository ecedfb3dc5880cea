"""A record of the log as a line of NDJSON and back, without a bit lost: text as text, other bytes as base64."""

from base64 import b64decode, b64encode
from typing import Any, NamedTuple

import orjson

from events.log import Message

__all__ = ["Line", "WrongLineError", "line_of", "message_of"]


class WrongLineError(ValueError):
    """A line that is none of ours."""


class Line(NamedTuple):
    """A record, and whether a person has led every part past it (a record of the ledger that is none)."""

    message: Message
    is_passed: bool = False


def line_of(message: Message, *, is_passed: bool = False) -> bytes:
    """One line with its end."""
    members: dict[str, Any] = {
        "offset": message.offset,
        "time_ms": message.timestamp_ms,
        "key": _written(message.key),
        "value": _written(message.value),
    }
    if message.headers:
        # A header's name that is no UTF-8 has its bytes in lone surrogates.
        members["headers"] = [
            [_written(name.encode("utf-8", "surrogateescape")), _written(value)]
            for name, value in message.headers
        ]
    if is_passed:
        members["passed"] = True
    return orjson.dumps(members, option=orjson.OPT_APPEND_NEWLINE)


def message_of(line: bytes, topic: str, partition: int) -> Line:
    """The record of a line; raises WrongLineError."""
    try:
        members = orjson.loads(line)
        headers = tuple(
            ((_read(name) or b"").decode("utf-8", "surrogateescape"), _read(value) or b"")
            for name, value in members.get("headers", ())
        )
        offset, time_ms = members["offset"], members["time_ms"]
        if type(offset) is not int or type(time_ms) is not int:
            raise TypeError(f"found the offset {offset!r} and the time {time_ms!r}, wanted whole numbers")
        key, value = _read(members["key"]), _read(members["value"])
        message = Message(topic, partition, offset, key, value, headers, time_ms)
        return Line(message, members.get("passed") is True)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise WrongLineError(f"found {line[:80]!r}, wanted a record as export writes it ({error})") from error


def _written(value: bytes | None) -> str | dict[str, str] | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}


def _read(value: str | dict[str, str] | None) -> bytes | None:
    if value is None or isinstance(value, str):
        return None if value is None else value.encode()
    return b64decode(value["base64"], validate=True)
