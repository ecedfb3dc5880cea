"""Header names that are no UTF-8: made readable for Faust's client, kept without loss, and told from good ones."""

import base64
from collections.abc import Iterator
from itertools import islice
from typing import Any

from events.log import Headers

__all__ = ["kept_name", "original_name", "readable_name", "tolerate", "unreadable"]

_ENCODED = "base64:"


def unreadable(headers: Headers) -> list[str]:
    """Those names that are no UTF-8; their bytes stand in them as lone surrogates."""
    return [name for name, _ in headers if not _is_text(name)]


def readable_name(name: str) -> str:
    """For people: bytes that are no text as ``\\xff``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def kept_name(name: str) -> str:
    """As a header name that can be written: a name that is no UTF-8 as base64."""
    if _is_text(name):
        return name
    return _ENCODED + base64.b64encode(name.encode("utf-8", "surrogateescape")).decode()


def original_name(kept: str) -> str:
    """The name that was kept."""
    if not kept.startswith(_ENCODED):
        return kept
    try:
        return base64.b64decode(kept.removeprefix(_ENCODED), validate=True).decode("utf-8", "surrogateescape")
    except ValueError:  # somebody's own header that only looks like one of ours
        return kept


def tolerate() -> None:
    """Let Faust's client read records whose header names are no UTF-8; to be called before it reads anything.

    Left to itself it raises at such a record, again each time, and nothing behind it is ever read.
    """
    from aiokafka.consumer import fetcher

    fetcher.MemoryRecords = _Records


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Records:
    """The client's reader of fetched bytes, with a second try at batches that it can't read."""

    def __init__(self, fetched: bytes) -> None:
        from aiokafka.record.memory_records import MemoryRecords

        self._fetched = fetched
        self._records: Any = MemoryRecords(fetched)

    def has_next(self) -> bool:
        return bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        return int(self._records.size_in_bytes())

    def next_batch(self) -> Any:
        return _Batch(self._records.next_batch(), self._fetched)


class _Batch:
    """One batch: read fast, and where a name stands in the way once more, patiently, from there on."""

    def __init__(self, batch: Any, fetched: bytes) -> None:
        self._batch = batch
        self._fetched = fetched

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        from aiokafka.errors import CorruptRecordException

        given = 0
        try:
            for record in self._batch:
                yield record
                given += 1
        except (UnicodeDecodeError, CorruptRecordException):
            found = _bytes_of(self._fetched, getattr(self._batch, "base_offset", None))
            if found is None:
                raise
            yield from islice(_patiently(found), given, None)


def _bytes_of(fetched: bytes, base_offset: int | None) -> bytes | None:
    """A batch among those fetched: each begins with its offset (8 bytes) and the length of what follows (4)."""
    at = 0
    while base_offset is not None and at + 12 <= len(fetched):
        end = at + 12 + int.from_bytes(fetched[at + 8 : at + 12], "big")
        if int.from_bytes(fetched[at : at + 8], "big") == base_offset:
            return fetched[at:end]
        at = end
    return None


def _patiently(found: bytes) -> Iterator[Any]:
    """The same batch by the client's slower reader, from bytes that decode whatever they hold."""
    from aiokafka.record.default_records import _DefaultRecordBatchPy

    batch: Any = _DefaultRecordBatchPy(found)
    iter(batch)  # unpacks it
    batch._buffer = _Tolerant(batch._buffer)
    return iter(batch)


class _Tolerant(bytearray):
    """Bytes whose slices decode whatever they hold."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Tolerant(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return super().decode(encoding, errors)
