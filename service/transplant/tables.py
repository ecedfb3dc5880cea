"""Tables that no ledger gives back: the archive's registers, and who led past which halt. Row by row as JSON."""

# ruff: noqa: S608 - statements are put together from names that PostgreSQL has given and quoted

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Connection, text

from service.transplant.manifest import TransplantError

__all__ = ["carried_tables", "put_rows", "rows_of"]

_RECOVERY = "decider.recovery"
_AT_ONCE = 1000


def carried_tables(connection: Connection) -> list[str]:
    """Names with their schema: every register there is, those of a site's own too."""
    return [*connection.execute(_REGISTERS).scalars(), _RECOVERY]


def rows_of(connection: Connection, table: str) -> Iterator[str]:
    """Each row as a JSON object, in no order of ours; a thousand are held at a time."""
    streaming = connection.execution_options(yield_per=_AT_ONCE)
    yield from streaming.execute(text(f"SELECT CAST(to_jsonb(t) AS text) FROM {table} t")).scalars()


def put_rows(connection: Connection, table: str, rows: Iterator[str]) -> int:
    """These rows in place of those that are there, numbers included; how many. Raises TransplantError."""
    if table not in carried_tables(connection):  # only names that PostgreSQL itself gives go into statements
        raise TransplantError(
            f"{table}: found no such table, wanted the register that the export has rows of; make it as it was "
            "(like operations.l2_file), then import again"
        )
    columns = list(connection.execute(_COLUMNS, {"table": table}).all())
    names = ", ".join(name for name, _ in columns)
    insert = text(
        f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE "
        f"SELECT {names} FROM jsonb_populate_recordset(CAST(NULL AS {table}), CAST(:rows AS jsonb))"
    )
    connection.execute(text(f"DELETE FROM {table}"))
    count = 0
    while batch := list(islice(rows, _AT_ONCE)):
        connection.execute(insert, {"rows": f"[{','.join(batch)}]"})
        count += len(batch)
    for name, is_identity in columns:
        if is_identity:
            connection.execute(text(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{name}'), max({name})) FROM {table}"
            ))  # fmt: skip
    return count


_REGISTERS = text(
    "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'operations' ORDER BY 1"
)
_COLUMNS = text(
    "SELECT quote_ident(a.attname), a.attidentity <> '' FROM pg_attribute a "
    "WHERE a.attrelid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' "
    "ORDER BY a.attnum"
)
