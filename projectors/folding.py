"""Records into rows, in memory: each event folded once, its changes joined row by row, ready to be written."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from events import failpoints
from events.envelope import Record
from projectors.ledger import LEDGER_COLUMNS
from projectors.merge import append, begin_merging, in_one_call, merge
from projectors.projection import Appended, Copy, Folded, Key, Row
from projectors.read_models import ReadModels
from projectors.tainted import Taint, add_taints

__all__ = ["Folding", "Folds", "Prepared"]


class Folds:
    """Which projections fold which facts, and the tables that what they fold goes to."""

    def __init__(self, models: ReadModels) -> None:
        self.models = models
        self.projections = models.projections
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

    models: ReadModels
    records: list[str]
    merged: list[tuple[Folded, list[Copy]]]
    appended: list[tuple[Appended, list[Copy]]]
    taints: list[Taint]

    def __call__(self, connection: Connection, notices: Sequence[str] = ()) -> None:
        """``notices``: the channels that are notified when all this is committed."""
        self._write(connection)
        for channel in notices:
            connection.exec_driver_sql(f"NOTIFY {channel}")

    def in_one_call(self, notices: Sequence[str] = ()) -> str | None:
        """The same as text, for a few rows; None where they are too many or of another kind."""
        if self.appended or self.taints:
            return None
        return in_one_call((self.models.ledger, LEDGER_COLUMNS, self.records), self.merged, notices)

    def _write(self, connection: Connection) -> None:
        begin_merging(connection)
        if self.records:
            append(connection, self.models.ledger, LEDGER_COLUMNS, self.records)
        failpoints.reach("projector.mid_batch")
        merge(connection, self.merged)
        for appended, copies in self.appended:
            for copy in copies:
                append(connection, appended.table, copy.columns, copy.lines)
        add_taints(connection, self.taints, self.models.tainted)


@dataclass(slots=True)
class Folding:
    """What one batch comes to. Whatever is raised in here, the folding is spoilt and has to be begun anew."""

    folds: Folds
    records: list[str] = field(default_factory=list)
    taints: list[Taint] = field(default_factory=list)
    _rows: dict[Folded, dict[Key, Row]] = field(default_factory=lambda: defaultdict(dict))
    _added: dict[Appended, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def fold(self, record: Record) -> None:
        """One event into all its rows; raises whatever a fold raises."""
        folded, appended = self.folds.of[record.type]
        for projection in folded:
            projection.fold(record, self._rows[projection])
        for listing in appended:
            if more := listing.rows(record):
                self._added[listing] += more

    def prepared(self) -> Prepared:
        """Ready to be written; raises TypeError where a row holds what its column can't mean."""
        merged = [
            (projection, projection.copies(rows.values())) for projection, rows in self._rows.items() if rows
        ]
        added = [(listing, listing.copies(rows)) for listing, rows in self._added.items()]
        models = self.folds.models
        return Prepared(
            models,
            self.records if models.keeps_ledger else [],
            [pair for pair in merged if pair[0].name in models.names],
            [pair for pair in added if pair[0].name in models.names],
            self.taints,
        )
