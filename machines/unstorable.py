"""What can't be kept: a record that is too large, or text that PostgreSQL can't hold."""

from dataclasses import replace
from typing import Any

import orjson

from events.envelope import RECORD_BYTES_AT_MOST, RequestEnvelope

__all__ = ["unstorable", "without_text"]


def unstorable(value: bytes) -> tuple[str, str] | None:
    """The code and the reason why a record can't be kept, if so."""
    if len(value) > RECORD_BYTES_AT_MOST:
        return (
            "TOO_LARGE",
            f"the record would have {len(value)} bytes, wanted at most {RECORD_BYTES_AT_MOST}; put bulk in S3",
        )
    if b"\\" in value and b"\\u0000" in value and _has_nul(orjson.loads(value)):
        return "UNSTORABLE_TEXT", "found a NUL character in text, which PostgreSQL can't hold; leave it out"
    return None


def without_text(request: RequestEnvelope) -> RequestEnvelope:
    """The request with nothing in its own words that can't be kept."""
    clean = {
        name: getattr(request, name).replace("\x00", "\ufffd")
        for name in ("type", "actor", "reason", "causationid", "correlationid", "traceparent")
        if getattr(request, name) is not None
    }
    return replace(request, **clean)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(each) for key, each in value.items())
    return isinstance(value, list) and any(_has_nul(each) for each in value)
