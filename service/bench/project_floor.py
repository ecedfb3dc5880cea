"""The projector's floor: the ledger read and decoded, and COPY of the rows that the projector would write.

The rows are made beforehand, batch by batch: those that the batch changes, each as it then stands, with all its
columns. Where the projector merges a row with the one that stands there, the floor appends it to a table of the same
columns and indexes, of which those of tables that are merged are not unique here.
"""

import gc
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, text

from events.envelope import Record, decode_record
from events.log import Log, Message, Place
from events.topics import Topics
from projectors import PROJECTIONS
from projectors.folding import Folds
from projectors.ledger import LEDGER_COLUMNS, ledger, ledger_line
from projectors.projection import Appended, Copy, Folded, Key, Row
from projectors.projector import AT_ONCE
from projectors.read_models import LIVE
from service.bench.timing import Timer

__all__ = ["project_floor"]

SCHEMA = "bench_floor"

Body = tuple[str, bytes]
"""A statement of COPY, and what it copies."""


def project_floor(logs: Log, engine: Engine, topics: Topics, *, records: int) -> dict[str, Any]:
    """Records a second: read, decode, COPY, commit a batch; nothing is folded."""
    with engine.begin() as connection:
        _make_tables(connection)
    rows = _Rows()
    batches = [(len(batch), rows.of(list(map(_decoded, batch)))) for batch in _polled(logs, topics, records)]
    gc.freeze()  # what was made beforehand is looked through for garbage no more
    timer, decoded, written = Timer(), 0, 0
    waiting = iter(batches)
    count, bodies = next(waiting)
    for batch in _polled(logs, topics, records):
        decoded += len(list(map(_decoded, batch)))
        while written + count <= decoded:
            _copy(engine, bodies)
            written += count
            count, bodies = next(waiting, (records, []))
    return timer.per(records)


def _polled(logs: Log, topics: Topics, records: int) -> Iterator[list[Message]]:
    reader, seen = logs.reader(committed=True), 0
    topic = topics.events("file")
    reader.assign({Place(topic, number): 0 for number in range(logs.partitions([topic])[topic])})
    while seen < records:
        batch = [each for some in reader.poll(at_most=AT_ONCE, timeout_s=0.5).values() for each in some]
        if batch:
            yield batch
        seen += len(batch)
    reader.close()


def _decoded(message: Message) -> Record:
    return decode_record(message.value, partition=message.partition, offset=message.offset)


class _Rows:
    """What the projector's tables come to hold, and which of it changes with each batch."""

    def __init__(self) -> None:
        self._folds = Folds(LIVE)
        self._tables: dict[Folded, dict[Key, Row]] = defaultdict(dict)

    def of(self, records: Sequence[Record]) -> list[Body]:
        """The rows that this batch leaves, as bodies of COPY."""
        changed: dict[Folded, dict[Key, None]] = defaultdict(dict)
        added: dict[Appended, list[Row]] = defaultdict(list)
        for record in records:
            folded, appended = self._folds.of.get(record.type, ((), ()))
            for projection in folded:
                sets: dict[Key, Row] = {}
                projection.fold(record, sets)
                for key, row in sets.items():
                    projection.take(self._tables[projection], row)
                    changed[projection][key] = None
            for listing in appended:
                added[listing] += listing.rows(record)
        bodies = [_body(ledger.name, Copy(LEDGER_COLUMNS, list(map(ledger_line, records))))]
        for projection, keys in changed.items():
            rows = [self._tables[projection][key] for key in keys]
            bodies += [_body(projection.name, copy) for copy in Appended(projection.table).copies(rows)]
        for listing, more in added.items():
            bodies += [_body(listing.name, copy) for copy in listing.copies(more)]
        return bodies


def _body(table: str, copy: Copy) -> Body:
    columns = ", ".join(f'"{name}"' for name in copy.columns)
    return f"COPY {SCHEMA}.{table} ({columns}) FROM STDIN", ("\n".join(copy.lines) + "\n").encode()


def _copy(engine: Engine, bodies: list[Body]) -> None:
    connection = engine.raw_connection()
    try:
        cursor: Any = connection.cursor()
        cursor.execute("SET LOCAL synchronous_commit = off")  # as the projector does
        for statement, body in bodies:
            cursor.copy_expert(statement, io.BytesIO(body), len(body))
        connection.commit()
    finally:
        connection.close()


def _make_tables(connection: Connection) -> None:
    connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
    connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    merged = {each.table.name for each in PROJECTIONS if isinstance(each, Folded)}
    for table in (ledger, *(each.table for each in PROJECTIONS)):
        connection.execute(
            text(f"CREATE TABLE {SCHEMA}.{table.name} (LIKE projection.{table.name} INCLUDING DEFAULTS)")
        )
        for definition in _indexes(connection, table.name):
            here = re.sub(rf"\bON projection\.{table.name}\b", f"ON {SCHEMA}.{table.name}", definition)
            here = here.replace("CREATE UNIQUE INDEX", "CREATE INDEX") if table.name in merged else here
            connection.exec_driver_sql(here)


def _indexes(connection: Connection, table: str) -> list[str]:
    query = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'projection' AND tablename = :table"
    return list(connection.scalars(text(query), {"table": table}))
