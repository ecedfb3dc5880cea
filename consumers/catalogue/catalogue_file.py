"""A catalogue in a file: the answer of a metadata store as it was kept, read from beginning to end and never whole."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from consumers.catalogue.json_stream import JsonBrokenError, elements
from consumers.catalogue.look import Look, Seen

__all__ = ["PATH", "CatalogueFile", "answered"]

PATH = ("data", "datasetInventories")
"""Where the records stand in an answer."""

_PLACE = ".".join(PATH)
_TOLD = 500


class CatalogueFile:
    """Reads ``{"data": {"datasetInventories": […]}}``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return str(self._path)

    def records(self, look: Look) -> Iterator[Seen]:
        """All records. Raises OSError where the file can't be opened."""
        # Bytes that are no UTF-8 become halves of pairs, which the reader of records then finds in their member.
        with self._path.open(encoding="utf-8", errors="surrogateescape") as stream:
            yield from answered(stream, look, where=self.name)

    def again(self, dataset_ids: Sequence[str]) -> list[Seen] | None:  # noqa: ARG002 - a file says all it has to say
        return None


def answered(stream: TextIO, look: Look, *, where: str, first: int = 0) -> Iterator[Seen]:
    """The records of one answer, numbered from ``first``; what is wrong with the answer as a whole is a gap."""
    aside: dict[str, Any] = {}
    count = 0
    try:
        for raw in elements(stream.read, PATH, aside=aside):
            yield Seen(f"{_PLACE}[{first + count}]", raw)
            count += 1
    except JsonBrokenError as error:
        look.missed(
            where, f"{error}, after {count} records", "a whole JSON document", "have it written again"
        )
    if aside.get("errors"):
        told = str(aside["errors"])[:_TOLD]
        look.missed(
            where, f"errors in the answer: {told}", "an answer without errors", "ask who runs the store"
        )
    if not aside.get("found"):
        members = ", ".join(sorted(aside)) or "nothing"
        look.missed(
            where, f"no list of records (but {members})", f"one at {'.'.join(PATH)}", "name another file"
        )
