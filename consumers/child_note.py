"""What a child is at, kept in memory that its server sees: known however the child ends, and nobody is woken for it."""

import json
import mmap
import struct
from typing import Any

from consumers.child_frames import parsed

__all__ = ["NOTE_BYTES", "Note"]

NOTE_BYTES = 16 * 1024
"""What a note has room for; there are two, so that one is whole while the other is written."""

_FIRST = 8
_LENGTH = struct.Struct(">I")
_JSON = json.JSONEncoder(
    allow_nan=False, separators=(",", ":")
)  # made once: told before every check of every file


class Note:
    """Made before the fork. The child tells, its server reads once the child is over with its file, or has ended."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, _FIRST + 2 * NOTE_BYTES)
        self._told: dict[str, Any] = {}

    def tell(self, message: dict[str, Any]) -> None:
        """Add to what was told of this file. Raises ValueError for what is longer than a note."""
        told = self._told | message
        body = _JSON.encode(told).encode()
        if len(body) > NOTE_BYTES - _LENGTH.size:
            raise ValueError(f"a note of {len(body)} bytes, wanted at most {NOTE_BYTES - _LENGTH.size}")
        other = 2 if self._page[0] == 1 else 1
        at = _place(other)
        self._page[at : at + _LENGTH.size + len(body)] = _LENGTH.pack(len(body)) + body
        self._page[0] = other  # only now: a child may be ended at any moment
        self._told = told

    def told(self) -> dict[str, Any]:
        """What the child has told; nothing, where what stands there is no note: the child may have written anything."""
        which = self._page[0]
        if which not in {1, 2}:
            return {}
        at = _place(which)
        (length,) = _LENGTH.unpack_from(self._page, at)
        body = self._page[at + _LENGTH.size : at + min(_LENGTH.size + length, NOTE_BYTES)]
        try:
            found = parsed(body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def clear(self) -> None:
        """For the next file."""
        self._page[0] = 0
        self._told = {}

    def close(self) -> None:
        """Let go of the memory; who has forked since still has it until it does the same."""
        self._page.close()


def _place(which: int) -> int:
    return _FIRST + (which - 1) * NOTE_BYTES
