"""Enters files into the archive's own registers: one row a version, as often as it may be asked."""

import re
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Engine, TextClause, text

from consumers.rows import rows_json
from projectors.registers import REGISTERS, l2_file

__all__ = ["Entry", "Register", "UnknownRegisterError"]

_NAME = re.compile(r"operations\.[a-z][a-z0-9_]{0,62}")
_WANTED = frozenset(column.name for column in l2_file.columns)


class UnknownRegisterError(Exception):
    """No table of this name can take our rows; the stream's configuration names another, or somebody makes it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a version of a file as it stands in the archive. ``obs_start_utc``: ISO 8601, or None."""

    subject: str
    version: int
    stream: str
    bucket: str
    key: str
    size_bytes: int
    sha256: str
    registered_by_event: str
    archive_identity: str | None = None
    instrument: str | None = None
    obs_start_utc: str | None = None


class Register:
    """Safe for several threads and for many workers. Raises SQLAlchemy's DBAPIError where the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, tuple[TextClause, TextClause]] = {}
        self._lock = threading.Lock()

    def enter(self, table: str, entries: Iterable[Entry]) -> dict[tuple[str, int], str]:
        """Rows that are there afterwards, by subject and version, each with its number. Raises UnknownRegisterError."""
        # One order for all workers, so that two never wait for each other.
        rows = sorted(entries, key=lambda entry: (entry.subject, entry.version))
        with self._engine.begin() as connection:
            enter, look = self._statements(connection, table)
            members = {"rows": rows_json(asdict(each) for each in rows)}
            found = _numbers(connection, enter, members)
            if len(found) < len({(row.subject, row.version) for row in rows}):
                # Another worker has just entered the same rows: the first statement could not see them yet.
                found |= _numbers(connection, look, members)
            return found

    def _statements(self, connection: Connection, table: str) -> tuple[TextClause, TextClause]:
        with self._lock:
            if table in self._known:
                return self._known[table]
        _check(table, _columns(connection, table))
        with self._lock:
            return self._known.setdefault(table, (_entering(table), _looking(table)))


def _numbers(
    connection: Connection, statement: TextClause, members: dict[str, str]
) -> dict[tuple[str, int], str]:
    found = connection.execute(statement, members)
    return {(row.subject, row.version): str(row.row_id) for row in found}


def _columns(connection: Connection, table: str) -> frozenset[str]:
    schema, _, name = table.partition(".")
    return frozenset(connection.execute(_COLUMNS, {"schema": schema, "name": name}).scalars())


def _check(table: str, columns: Iterable[str]) -> None:
    missing = sorted(_WANTED - set(columns)) if _NAME.fullmatch(table) else sorted(_WANTED)
    if len(missing) == len(_WANTED):
        known = ", ".join(REGISTERS)
        raise UnknownRegisterError(
            f"register {table}: found no such table, wanted one of {known} or one like them"
        )
    if missing:
        wanted = f"has no column {', '.join(missing)}; add it as operations.l2_file has it"
        raise UnknownRegisterError(f"register {table}: {wanted}")


_COLUMNS = text(
    "SELECT column_name FROM information_schema.columns WHERE table_schema = :schema AND table_name = :name"
)


def _entering(table: str) -> TextClause:
    """Insert what is missing and correct what differs; of what is there already only the number is read."""
    return text(f"""
        WITH r AS (
            SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
                subject text, version int, stream text, bucket text, key text, size_bytes bigint, sha256 text,
                registered_by_event uuid, archive_identity text, instrument text, obs_start_utc timestamptz)
        ), put AS (
            INSERT INTO {table} AS t (subject, version, stream, bucket, key, size_bytes, sha256, registered_by_event,
                                      archive_identity, instrument, obs_start_utc)
            SELECT subject, version, stream, bucket, key, size_bytes, sha256, registered_by_event,
                   archive_identity, instrument, obs_start_utc FROM r
            ON CONFLICT (subject, version) DO UPDATE SET
                bucket = excluded.bucket, key = excluded.key, size_bytes = excluded.size_bytes,
                sha256 = excluded.sha256, registered_by_event = excluded.registered_by_event,
                archive_identity = excluded.archive_identity, instrument = excluded.instrument,
                obs_start_utc = excluded.obs_start_utc
            WHERE (t.bucket, t.key, t.size_bytes, t.sha256, t.archive_identity, t.instrument, t.obs_start_utc)
                IS DISTINCT FROM (excluded.bucket, excluded.key, excluded.size_bytes, excluded.sha256,
                                  excluded.archive_identity, excluded.instrument, excluded.obs_start_utc)
            RETURNING t.subject, t.version, t.row_id
        )
        SELECT subject, version, row_id FROM put
        UNION
        SELECT t.subject, t.version, t.row_id FROM {table} t JOIN r ON t.subject = r.subject AND t.version = r.version
    """)  # noqa: S608 - the name has been found among the tables of one schema, and holds letters only


def _looking(table: str) -> TextClause:
    return text(f"""
        SELECT t.subject, t.version, t.row_id FROM {table} t
        JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (subject text, version int)
            ON t.subject = r.subject AND t.version = r.version
    """)  # noqa: S608 - as above
