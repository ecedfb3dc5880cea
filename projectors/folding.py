"""Records into rows, in memory: each event folded once, its changes joined row by row, ready to be written."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from events.envelope import Record
from projectors.ledger import ledger
from projectors.merge import append_lines, begin_merging, merge_copies
from projectors.projection import Appended, Cells, Copy, Folded, Key, Projection
from projectors.tainted import Taint, add_taints

__all__ = ["Folding", "Folds", "Prepared"]


class Folds:
    """Which projections fold which facts."""

    def __init__(self, projections: Iterable[Projection]) -> None:
        self.projections = tuple(projections)
        self.folded = [each for each in self.projections if isinstance(each, Folded)]
        self.of: dict[str, tuple[list[Folded], list[Appended]]] = {}
        for projection in self.projections:
            for name in projection.folds:
                folded, appended = self.of.setdefault(name, ([], []))
                if isinstance(projection, Folded):
                    folded.append(projection)
                else:
                    appended.append(projection)


@dataclass(slots=True, frozen=True)
class Prepared:
    """The rows of one batch as lines of COPY, table by table; called with a connection, it writes them."""

    records: list[str]
    merged: list[tuple[Folded, list[Copy]]]
    appended: list[tuple[Appended, list[str]]]
    taints: list[Taint]

    def __call__(self, connection: Connection) -> None:
        begin_merging(connection)
        if self.records:
            append_lines(connection, ledger, self.records)
        for folded, copies in self.merged:
            merge_copies(connection, folded, copies)
        for appended, lines in self.appended:
            append_lines(connection, appended.table, lines)
        add_taints(connection, self.taints)


@dataclass(slots=True)
class Folding:
    """What one batch comes to."""

    folds: Folds
    records: list[str] = field(default_factory=list)
    taints: list[Taint] = field(default_factory=list)
    _rows: dict[Folded, dict[Key, Cells]] = field(default_factory=lambda: defaultdict(dict))
    _lines: dict[Appended, list[str]] = field(default_factory=lambda: defaultdict(list))

    def fold(self, record: Record) -> None:
        """One event into all its rows, or into none: raises whatever a fold raises."""
        folded, appended = self.folds.of[record.type]
        cells = [(projection, each) for projection in folded for each in projection.cells(record)]
        lines = [(projection, projection.added(record)) for projection in appended]
        for projection, each in cells:
            projection.take(self._rows[projection], each)
        for listing, more in lines:
            if more:
                self._lines[listing] += more

    def prepared(self) -> Prepared:
        """Ready to be written."""
        merged = [(projection, projection.copies(rows.values())) for projection, rows in self._rows.items()]
        return Prepared(self.records, merged, list(self._lines.items()), self.taints)
