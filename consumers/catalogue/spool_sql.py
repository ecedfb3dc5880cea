"""What a scan has seen and what was known, side by side in a private file: so that memory does not grow with them."""

import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from consumers.catalogue.entry import Entry, Pair

__all__ = ["Spool"]


class Spool:
    """A private database that is gone when it is closed; SQLite moves it to a file when it outgrows some megabytes."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_TABLES)
        self._db.execute("BEGIN")
        self._last_op = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._db.close()

    def put_known(self, op: str, entry: Entry | None, *, others: str | None = None) -> None:
        """A dataset that the ledger knows already; None: only its OP. ``others``: another source that told of it."""
        self._db.execute("INSERT OR IGNORE INTO known_op VALUES (?)", (op,))
        if entry is not None:
            self._db.execute("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?, ?)", entry)
            if others is not None:
                self._db.execute("INSERT OR REPLACE INTO others VALUES (?, ?)", (entry.dataset, others))

    def put_seen(self, entry: Entry) -> Entry | None:
        """A record that was seen; the one that is there already under this name, in which case nothing is put."""
        put = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?)", entry)
        return self.seen(entry.dataset) if put.rowcount == 0 else None

    def replace_seen(self, entry: Entry) -> None:
        """Put a record in the place of the one of its name."""
        self._db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?)", entry)

    def put_op(self, op: str, experiment: str | None, proposal: str | None) -> None:
        """An OP that was seen; what is said of it first counts."""
        if op != self._last_op:  # most records follow others of their OP
            self._db.execute("INSERT OR IGNORE INTO op VALUES (?, ?, ?)", (op, experiment, proposal))
            self._last_op = op

    def put_unplaced(self, dataset: str) -> None:
        """A dataset of which a record was seen that can't be tied to an OP: it is there, whatever it says."""
        self._db.execute("INSERT OR IGNORE INTO unplaced VALUES (?)", (dataset,))

    def leave_to_others(self) -> int:
        """Forget records of datasets that other sources have told of: they are there. How many there were."""
        self._db.execute("INSERT OR IGNORE INTO unplaced SELECT dataset FROM others NATURAL JOIN seen")
        return self._db.execute("DELETE FROM seen WHERE dataset IN (SELECT dataset FROM others)").rowcount

    def seen(self, dataset: str) -> Entry | None:
        """The record that was seen of this dataset."""
        row = self._db.execute("SELECT * FROM seen WHERE dataset = ?", (dataset,)).fetchone()
        return Entry(*row) if row else None

    def is_unplaced(self, dataset: str) -> bool:
        """Whether a record was seen of this dataset that can't be tied to an OP."""
        return self._db.execute("SELECT 1 FROM unplaced WHERE dataset = ?", (dataset,)).fetchone() is not None

    def is_of_others(self, dataset: str) -> bool:
        """Whether another source has told of this dataset."""
        return self._db.execute("SELECT 1 FROM others WHERE dataset = ?", (dataset,)).fetchone() is not None

    def missing(self) -> Iterator[tuple[str, str]]:
        """OP and name of datasets that this source has told of and of which no record at all was seen."""
        yield from self._db.execute(_MISSING)

    def missing_of_others(self) -> Iterator[tuple[str, int]]:
        """How many datasets were not seen of which another source has told, by that source, the most first."""
        yield from self._db.execute(_MISSING_OF_OTHERS)

    def new_ops(self) -> Iterator[tuple[str, str | None, str | None]]:
        """OPs of which nothing was known but perhaps their name, with experiment and proposal."""
        yield from self._db.execute(_NEW_OPS)

    def differing(self, *, whole: bool) -> Iterator[Pair]:
        """Datasets that are not as they were known, by OP and name. Those that are missing come with one side.

        Not ``whole``: the bodies of those alone that are on both sides.
        """
        self._db.execute(_IN_ORDER)
        for row in self._db.execute(_WHOLE if whole else _OUTLINED):
            op, seen, known = row[0], row[2:9], row[9:16]
            yield Pair(
                op,
                None if seen[0] is None else Entry(*seen),
                None if known[0] is None else Entry(*known),
            )

    def put_outline(self, outline: bytes) -> None:
        """Keep what is told of an OP, in order."""
        self._db.execute("INSERT INTO outline VALUES (?)", (outline,))

    def outlines(self) -> Iterator[bytes]:
        """What was kept of OPs."""
        for (outline,) in self._db.execute("SELECT body FROM outline ORDER BY rowid"):
            yield outline

    def closed_programs(self, op: str) -> set[str]:
        """Programs of an OP that are closed or judged."""
        return {program for (program,) in self._db.execute(_CLOSED, (op,))}

    def count(self, what: str) -> int:
        """How many ``seen``, ``known``, ``unplaced``, ``op``, ``known_ops``."""
        (number,) = self._db.execute(_COUNTS[what]).fetchone()
        return int(number)


_TABLES = """
    PRAGMA temp_store = FILE; PRAGMA cache_size = -8000; PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;
    CREATE TABLE seen (
        op TEXT, dataset TEXT PRIMARY KEY, program TEXT, digest TEXT, whole TEXT, body BLOB, is_closed INT
    );
    CREATE TABLE known (
        op TEXT, dataset TEXT, program TEXT, digest TEXT, whole TEXT, body BLOB, is_closed INT,
        PRIMARY KEY (dataset, op, program)
    );
    CREATE INDEX known_by_op ON known (op, program);
    CREATE TABLE op (op TEXT PRIMARY KEY, experiment TEXT, proposal TEXT);
    CREATE TABLE known_op (op TEXT PRIMARY KEY);
    CREATE TABLE unplaced (dataset TEXT PRIMARY KEY);
    CREATE TABLE others (dataset TEXT PRIMARY KEY, source TEXT);
    CREATE TABLE outline (body BLOB);
"""

_COUNTS = {
    "seen": "SELECT count(*) FROM seen",
    "known": "SELECT count(*) FROM known",
    "unplaced": "SELECT count(*) FROM unplaced",
    "op": "SELECT count(*) FROM op",
    "known_ops": "SELECT count(*) FROM known_op",
}

_CLOSED = "SELECT DISTINCT program FROM known WHERE op = ? AND is_closed"

# One that a sender has only spoken of is as good as new once a record of it can be read.
_NEW_OPS = """
    SELECT * FROM op WHERE op NOT IN (SELECT op FROM known_op)
        OR (op NOT IN (SELECT op FROM known) AND op IN (SELECT op FROM seen))
    ORDER BY op
"""

_MISSING = """
    SELECT op, dataset FROM known WHERE dataset NOT IN (SELECT dataset FROM seen)
        AND dataset NOT IN (SELECT dataset FROM unplaced) AND dataset NOT IN (SELECT dataset FROM others)
    ORDER BY dataset
"""

_MISSING_OF_OTHERS = """
    SELECT source, count(*) FROM others WHERE dataset NOT IN (SELECT dataset FROM seen)
        AND dataset NOT IN (SELECT dataset FROM unplaced) GROUP BY source ORDER BY 2 DESC, 1
"""

# Made once all were seen: kept up to date row by row it would cost several times as much.
_IN_ORDER = "CREATE INDEX IF NOT EXISTS seen_in_order ON seen (op, dataset)"

# A dataset that now belongs to another OP or program is gone from the one and new in the other.
_DIFFERING = """
    SELECT s.op AS "of", s.dataset AS "name",
        s.op, s.dataset, s.program, s.digest, s.whole, {seen}, s.is_closed,
        k.op, k.dataset, k.program, k.digest, k.whole, k.body, k.is_closed
        FROM seen s LEFT JOIN known k ON k.dataset = s.dataset AND k.op = s.op AND k.program = s.program
        WHERE s.whole IS NOT k.whole
    UNION ALL SELECT k.op, k.dataset, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        k.op, k.dataset, k.program, k.digest, k.whole, {gone}, k.is_closed
        FROM known k LEFT JOIN seen s ON k.dataset = s.dataset AND k.op = s.op AND k.program = s.program
        WHERE s.dataset IS NULL
    ORDER BY 1, 2
"""
_WHOLE = _DIFFERING.format(seen="s.body", gone="k.body")
_OUTLINED = _DIFFERING.format(seen="CASE WHEN k.dataset IS NOT NULL THEN s.body END", gone="NULL")
