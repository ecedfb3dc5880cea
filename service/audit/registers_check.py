"""Registers held against the facts, both ways: a row for every registered version, a fact for every row."""

# ruff: noqa: S608 - names of tables are looked up in the database's own list

import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import Any

from service.audit.database import stream
from service.audit.findings import Offender, Tally

__all__ = ["check_registers"]

_BATCH = 2000


def check_registers(own: sqlite3.Connection, connection: Any, tally: Tally) -> None:
    """``own`` has the facts in ``object`` and ``registration``, and room for the rows in ``entered``."""
    cursor = connection.cursor()
    cursor.execute(_REGISTERS)
    there = [row[0] for row in cursor]
    for register in there:
        for batch in _batches(stream(connection, "register", _ROWS.format(register=register))):
            own.executemany(
                "INSERT OR REPLACE INTO entered VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(register, *row) for row in batch],
            )
    for table in ("registration", "entered"):
        tally.looked("effects_wrong", int(own.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))
    for subject, version, register, event_id, position, *rest in own.execute(_WITHOUT_ROW):
        found, wanted = tuple(rest[:4]), tuple(rest[4:])
        said = "no row" if found[0] is None else f"a row with {_told(found)}"
        told = f"version {version} in {register} with {_told(wanted)}"
        tally.found("effects_wrong", Offender(subject, said, told, position, event_id))
    for subject, version, register, row_id in own.execute(_WITHOUT_FACT):
        cursor.execute(_UNDER_WAY, (subject, version))
        if not cursor.fetchone()[0]:
            said = f"row {row_id} of version {version}"
            tally.found("effects_wrong", Offender(subject, said, "a fact that it stands there", register))


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _told(members: tuple[Any, ...]) -> str:
    row_id, bucket, key, sha256 = members
    return f"number {row_id}, s3://{bucket}/{key}, sha256 {str(sha256)[:12]}…"


_REGISTERS = """
    SELECT table_schema || '.' || table_name FROM information_schema.columns
    WHERE table_schema = 'operations' AND column_name IN ('subject', 'version', 'row_id', 'bucket', 'key', 'sha256')
    GROUP BY 1 HAVING count(*) = 6 ORDER BY 1
"""

_ROWS = "SELECT subject, version, row_id::text, bucket, key, size_bytes, sha256 FROM {register}"

# The object that was in the archive when the version was registered.
_WITHOUT_ROW = """
    SELECT r.subject, r.version, r.register, r.event_id, r.position,
           e.row_id, e.bucket, e.key, e.sha256, r.row_id, o.bucket, o.key, o.sha256
    FROM registration r
    LEFT JOIN entered e ON e.register = r.register AND e.subject = r.subject AND e.version = r.version
    LEFT JOIN object o ON o.subject = r.subject AND o.version = r.version AND o.at = (
        SELECT max(l.at) FROM object l
        WHERE l.subject = r.subject AND l.version = r.version AND l.kind <> 'file.rejected')
    WHERE e.row_id IS NULL OR e.row_id <> r.row_id
       OR (o.at < r.at AND (e.bucket <> o.bucket OR e.key <> o.key OR e.size <> o.size OR e.sha256 <> o.sha256))
    ORDER BY r.at
"""

_WITHOUT_FACT = """
    SELECT e.subject, e.version, e.register, e.row_id FROM entered e
    WHERE NOT EXISTS (
        SELECT 1 FROM registration r
        WHERE r.register = e.register AND r.subject = e.subject AND r.version = e.version)
"""

_UNDER_WAY = """
    SELECT EXISTS (SELECT FROM projection.file_version WHERE file = %s AND version = %s
        AND (state IN ('TRANSFERRED', 'ERROR') OR register_table IS NOT NULL))
"""
