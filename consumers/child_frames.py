"""Frames between the inspector, its server and the children: four bytes of length, then one JSON object."""

import json
import math
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson

__all__ = ["Frames", "TooLargeError", "frame", "parsed"]

LENGTH = struct.Struct(">I")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    found = float(text)
    return found if math.isfinite(found) else _no_number(text)


_DECODER = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite)


class TooLargeError(ValueError):
    """A frame is longer than its reader accepts."""


def frame(message: dict[str, Any]) -> bytes:
    """One message as it goes over the wire. Raises ValueError for NaN and infinities, which JSON has not."""
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    return LENGTH.pack(len(body)) + body


class Frames:
    """Puts frames together from the pieces in which they arrive; never holds more than ``max_bytes`` of one."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pending = bytearray()

    def feed(self, piece: bytes) -> Iterator[dict[str, Any]]:
        """The messages that are complete with this piece. Raises TooLargeError, or ValueError for what is no JSON."""
        self._pending += piece
        while len(self._pending) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._pending)
            if length > self._max_bytes:
                raise TooLargeError(f"a frame of {length} bytes, wanted at most {self._max_bytes}")
            end = LENGTH.size + length
            if len(self._pending) < end:
                return
            body = bytes(self._pending[LENGTH.size : end])
            del self._pending[:end]
            yield parsed(body)


def parsed(body: bytes) -> Any:
    """What a body says. Raises ValueError for what is no JSON, and for JSON that is deeper than can be read.

    NaN and infinities are no JSON: what was read must be what ``frame`` can write again.
    """
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(body)
    try:
        return _DECODER.decode(body.decode())  # half a surrogate, which orjson does not take
    except RecursionError as error:
        raise ValueError(f"{len(body)} bytes of JSON are too deep to be read") from error
