"""A file read in larger pieces than its reader asks for: 16 KiB at once make 20,000 calls of a large file."""

from typing import Any, BinaryIO

__all__ = ["wide"]

_PIECE_BYTES = 256 * 1024


def wide(source: BinaryIO) -> BinaryIO:
    """The file; whoever sends it may be given more than it wanted, and whoever reads to the end gets all."""
    return _Wide(source)  # type: ignore[return-value]  # as far as clients read it


class _Wide:
    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def read(self, size: int = -1) -> bytes:
        return self._source.read(size if size < 0 else max(size, _PIECE_BYTES))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)
