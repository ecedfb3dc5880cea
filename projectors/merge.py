"""Bringing rows into their tables: COPY into a staging table, then one MERGE a table, in the order of the keys.

A few rows go without staging, each by a MERGE of its own, all in one call: a transaction that has touched the staging
tables has to empty the files of all of them when it commits, which takes longer than all else that few rows need.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, text
from sqlalchemy.dialects.postgresql.psycopg2 import dialect

from projectors.copy_text import NULL
from projectors.driver_errors import wrapping
from projectors.projection import EMPTIED, Copy, Folded

__all__ = ["FEW", "append", "begin_merging", "in_one_call", "make_stages", "merge", "merge_statement"]

FEW = 30
"""So many rows of a batch, of all tables together, are merged without staging."""

AT_ONCE = 1000
"""Lines that the driver is given together."""

_TAB = "\t"
_DIALECT = dialect()  # type: ignore[no-untyped-call]

_KEYED = (
    "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off; "
    "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_material = off; SET LOCAL enable_memoize = off; "
    "SET LOCAL jit = off; SET LOCAL synchronous_commit = off"
)

_STAGED = text("SELECT to_regclass('pg_temp.' || :name) IS NOT NULL")
_PREPARED = text("SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE name = :name)")


def make_stages(connection: Connection, projections: Iterable[Folded]) -> None:
    """Staging tables and prepared statements for this connection, where it does not have them yet."""
    for projection in projections:
        stage, single = _stage(projection.table), _single(projection.table)
        if not connection.scalar(_STAGED, {"name": stage}):
            columns = ", ".join(f'"{c.name}" {_type(c)}' for c in projection.table.columns)
            connection.exec_driver_sql(
                f"CREATE TEMP TABLE {stage} ({columns}, {EMPTIED} bigint) ON COMMIT DELETE ROWS"
            )
        if not connection.scalar(_PREPARED, {"name": stage}):
            connection.exec_driver_sql(f"PREPARE {stage} AS {merge_statement(projection)}")
        if not connection.scalar(_PREPARED, {"name": single}):
            types = ", ".join(_type(c).partition(" COLLATE")[0] for c in projection.table.columns)
            statement = merge_statement(projection, source=_one_row(projection))
            connection.exec_driver_sql(f"PREPARE {single} ({types}, bigint) AS {statement}")


def begin_merging(connection: Connection) -> None:
    """For this transaction: find rows by key, whatever the statistics say, and do not wait for the disk.

    Rows and position commit together, so a crash of PostgreSQL that forgets the last of them only makes the follower
    read them again.
    """
    connection.exec_driver_sql(_KEYED)


def in_one_call(
    new: tuple[Table, Sequence[str], Sequence[str]],
    batch: Sequence[tuple[Folded, Sequence[Copy]]],
    notices: Sequence[str],
) -> str | None:
    """Statements for a few rows: ``new`` lines of a table with their columns, those to merge, who is then notified.

    None where the rows are too many or hold what can't stand in a statement.
    """
    table, columns, lines = new
    if len(lines) > FEW or sum(len(copy.lines) for _, copies in batch for copy in copies) > FEW:
        return None
    names = ", ".join(f'"{name}"' for name in columns)
    rows = ", ".join(f"({', '.join(map(_literal, line.split(_TAB)))})" for line in lines)
    called = "; ".join(
        [
            _KEYED,
            *([f"INSERT INTO {table.fullname} ({names}) VALUES {rows}"] if rows else []),  # noqa: S608 - our own names
            *(_executed(projection, copies) for projection, copies in batch),
            *(f"NOTIFY {channel}" for channel in notices),
        ]
    )
    # A NUL would end the statement there; COPY is told of it, and refuses it in words.
    return None if "\0" in called else called


def append(connection: Connection, table: Table, columns: Sequence[str], lines: Sequence[str]) -> None:
    """COPY these lines into a table as new rows."""
    _copy(connection, table.fullname, columns, lines)


def merge(connection: Connection, batch: Sequence[tuple[Folded, Sequence[Copy]]]) -> None:
    """Merge these rows (of ``projection.copies``) into their projections' tables; ``make_stages`` came before."""
    if sum(len(copy.lines) for _, copies in batch for copy in copies) <= FEW:
        singly = "; ".join(_executed(projection, copies) for projection, copies in batch)
        if (
            "\0" not in singly
        ):  # it would end the statement there; COPY is told of it, and refuses it in words
            if singly:
                connection.exec_driver_sql(singly, execution_options={"no_parameters": True})
            return
    for projection, copies in batch:
        stage = _stage(projection.table)
        for copy in copies:
            _copy(connection, stage, copy.columns, copy.lines)
        connection.exec_driver_sql(f"EXECUTE {stage}")


def _executed(projection: Folded, copies: Iterable[Copy]) -> str:
    """Calls of the prepared MERGE of one row, for each of these rows."""
    names, single = _names(projection), _single(projection.table)
    calls = []
    for copy in copies:
        for line in copy.lines:
            given = dict(zip(copy.columns, line.split(_TAB), strict=True))
            literals = ", ".join(_literal(given.get(name, NULL)) for name in names)
            calls.append(f"EXECUTE {single} ({literals})")
    return "; ".join(calls)


def _literal(cell: str) -> str:
    """A cell of COPY as a literal: what is escaped there is escaped in the same way here, but for the quote."""
    return "NULL" if cell == NULL else "E'" + cell.replace("'", "''") + "'"


def _one_row(projection: Folded) -> str:
    return "SELECT " + ", ".join(
        f'${index} AS "{name}"' for index, name in enumerate(_names(projection), start=1)
    )


def _names(projection: Folded) -> list[str]:
    return [*(column.name for column in projection.table.columns), EMPTIED]


def merge_statement(projection: Folded, *, source: str | None = None) -> str:
    """The MERGE that follows the rules of the columns, as ``Folded.take`` does within a batch.

    ``source``: a query that gives the columns of the staging table, which else is read itself.
    """
    table = projection.table
    key = projection.key
    same = " AND ".join(f't."{name}" = s."{name}"' for name in key)
    sets = ", ".join(
        f'"{c.name}" = {_joined(c, index)}' for index, c in enumerate(table.columns) if c.name not in key
    )
    names = ", ".join(f'"{c.name}"' for c in table.columns)
    values = ", ".join(_first_value(c) for c in table.columns)
    order = ", ".join(f'"{name}"' for name in key)
    rows = source or f"SELECT * FROM {_stage(table)} ORDER BY {order}"  # noqa: S608
    return (  # names of our own tables and columns
        f"MERGE INTO {table.fullname} AS t USING ({rows}) AS s ON {same} "  # noqa: S608
        f"WHEN MATCHED THEN UPDATE SET {sets} WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})"
    )


def _joined(column: Column[Any], index: int) -> str:
    old, new = f't."{column.name}"', f's."{column.name}"'
    match column.info.get("rule"):
        case "first":
            return f"COALESCE({old}, {new})"
        case "greatest":
            return f"GREATEST({old}, {new})"  # NULLs are passed over
        case "total":
            return f"CASE WHEN {new} IS NULL THEN {old} ELSE COALESCE({old}, 0) + {new} END"
        case "merged":
            return f"COALESCE({old} || {new}, {new}, {old})"
    kept = f"COALESCE({new}, {old})"
    return f"CASE WHEN s.{EMPTIED} & {1 << index} <> 0 THEN NULL ELSE {kept} END" if column.nullable else kept


def _first_value(column: Column[Any]) -> str:
    default = column.server_default
    value = f's."{column.name}"'
    return value if default is None else f"COALESCE({value}, {default.arg})"  # type: ignore[attr-defined]


def _stage(table: Table) -> str:
    return f"staged_{table.schema}_{table.name}"


def _single(table: Table) -> str:
    return f"single_{table.schema}_{table.name}"


def _type(column: Column[Any]) -> str:
    return str(column.type.compile(dialect=_DIALECT))


def _copy(connection: Connection, target: str, columns: Iterable[str], lines: Sequence[str]) -> None:
    quoted = ", ".join(f'"{name}"' for name in columns)
    statement = f"COPY {target} ({quoted}) FROM STDIN"
    cursor: Any = connection.connection.cursor()
    try:
        with wrapping(statement):
            cursor.copy_expert(statement, _Lines(lines))
    finally:
        cursor.close()


class _Lines:
    """Lines as a file that the driver reads, which is given some hundred KB each time, whatever it asks for.

    Whole, they would stand in memory four times: in lines, joined, encoded, and in the driver's buffer for good. Much
    smaller, and the driver would wait for the interpreter, which is busy folding the next batch, more than it sends.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._next = 0

    def read(self, _size: int) -> bytes:
        """Some more; nothing at the end."""
        begin, self._next = self._next, self._next + AT_ONCE
        some = self._lines[begin : self._next]
        return ("\n".join(some) + "\n").encode() if some else b""
