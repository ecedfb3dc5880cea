"""Objects held against the facts, both ways: what a fact names is there, and what is there has a fact."""

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from consumers.storage import Storage
from consumers.storage_errors import StorageError, StorageUnavailable
from service.audit.database import moment, reaching
from service.audit.findings import Offender, Tally
from service.audit.publications_check import of_publications, publication_is_under_way
from service.audit.registers_check import check_registers
from service.audit.subjects import scratch

__all__ = ["EffectsCheck"]

READ_AT_MOST = 1024 * 1024 * 1024
"""Bytes read to compare their SHA-256 where nobody says how large a share of the objects is to be read."""

_BATCH = 2000
_NOT_OURS = ("staging/", "floor/")


class EffectsCheck:
    """``sample``: the share of objects whose bytes are read; None: as many as ``READ_AT_MOST`` allows."""

    def __init__(
        self, storage: Storage, database: str, *, folder: Path, tally: Tally, sample: float | None
    ) -> None:
        self._storage = storage
        self._database = database
        self._tally = tally
        self._sample = sample
        self._all = scratch(folder / "effects.sqlite")
        self._all.executescript(_TABLES)

    def run(self, scratches: Iterable[Path], bucket: str) -> list[str]:
        """``scratches``: what the processes have kept of the facts. What was left out, in words."""
        for path in scratches:
            self._all.execute("ATTACH ? AS other", (str(path),))
            for table in ("object", "registration", "damaged"):
                self._all.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM other.{table}")  # noqa: S608
            self._all.execute("DETACH other")
        self._all.execute("CREATE INDEX object_of ON object (subject, version, at)")
        with moment(self._database) as connection, reaching():
            self._publications(connection)
        buckets = {row[0] for row in self._all.execute("SELECT DISTINCT bucket FROM object")} | {bucket}
        for name in sorted(buckets):
            self._list(name)
        with moment(self._database) as connection, reaching():
            self._publications(connection, came_later=True)
            self._facts_without()
            self._objects_without(connection)
            check_registers(self._all, connection, self._tally)
        left_out = self._bytes()
        self._all.close()
        return left_out

    def _list(self, bucket: str) -> None:
        """What the store says it has."""
        rows: list[tuple[str, str, int]] = []
        try:
            for key, size in self._storage.list_keys(bucket):
                if not key.startswith(_NOT_OURS):
                    rows.append((bucket, key, size))
                if len(rows) >= _BATCH:
                    self._keep(rows)
        except StorageUnavailable:
            raise
        except StorageError as error:
            self._wrong("", f"s3://{bucket}: {error}", "a bucket that can be listed", f"s3://{bucket}")
        self._keep(rows)

    def _keep(self, rows: list[tuple[str, str, int]]) -> None:
        self._all.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?, ?)", rows)
        rows.clear()

    def _publications(self, connection: Any, *, came_later: bool = False) -> None:
        """Objects of publications, beside those of files. What came after the store was listed is not looked for."""
        for each in of_publications(connection, self._storage, tally=self._tally):
            place = (each.bucket, each.key)
            if each.is_wanted and not came_later:
                told = (*place, each.size_bytes, each.sha256, each.subject, each.attempt, "op.step_done")
                row = (*told, each.event_id, each.position, each.offset)
                self._all.execute("INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            else:
                self._all.execute("INSERT OR REPLACE INTO allowed VALUES (?, ?)", place)

    def _facts_without(self) -> None:
        """Facts whose object is not there, or has another size."""
        self._tally.looked("effects_wrong", self._count("object"))
        for bucket, key, size, subject, event_id, position, found in self._all.execute(_FACTS_WITHOUT):
            said = "no object" if found is None else f"{found} bytes"
            self._wrong(subject, said, f"{size} bytes at s3://{bucket}/{key}", position, event_id)

    def _objects_without(self, connection: Any) -> None:
        """Objects that no fact names, unless the work on their version is not over."""
        self._tally.looked("effects_wrong", self._count("listed"))
        cursor = connection.cursor()
        for bucket, key, size in self._all.execute(_OBJECTS_WITHOUT):
            head = self._storage.head(bucket, key)
            if head is None:
                continue
            op, attempt = unquote(head.metadata.get("op", "")), head.metadata.get("attempt", "0")
            if op and publication_is_under_way(connection, op, attempt):
                continue
            subject, version = unquote(head.metadata.get("subject", op)), head.metadata.get("version")
            cursor.execute(_UNDER_WAY, {"key": key, "subject": subject, "version": version})
            if not cursor.fetchone()[0]:
                found = f"an object of {size} bytes, version {version or 'unknown'}"
                self._wrong(subject, found, "a fact that names it", f"s3://{bucket}/{key}")

    def _bytes(self) -> list[str]:
        """SHA-256 of what is there, as read; of all objects, or of a share chosen by their keys."""
        total, count = self._all.execute(_THERE).fetchone()
        share = self._sample
        if share is None:
            share = min(1.0, READ_AT_MOST / total) if total else 1.0
        looked = 0
        for bucket, key, sha256, subject, event_id, position in self._all.execute(_TO_READ):
            if zlib.crc32(f"{bucket}/{key}".encode()) / 2**32 >= share:
                continue
            looked += 1
            found = self._sum(bucket, key)
            if found != sha256:
                self._wrong(
                    subject, f"sha256 {found}", f"{sha256} at s3://{bucket}/{key}", position, event_id
                )
        self._tally.count("objects read", looked)
        return (
            []
            if share >= 1
            else [f"SHA-256 of {looked} of {count} objects (a share of {share:.3g}); --sample 1 reads all"]
        )

    def _sum(self, bucket: str, key: str) -> str:
        try:
            return self._storage.get_to_file(bucket, key, Path("/dev/null"))[1]
        except StorageUnavailable:
            raise
        except StorageError as error:
            return f"not readable: {error}"

    def _count(self, table: str) -> int:
        return int(self._all.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - ours

    def _wrong(self, subject: str, found: str, wanted: str, position: str, event_id: str = "") -> None:
        self._tally.found("effects_wrong", Offender(subject, found, wanted, position, event_id))


_TABLES = """
CREATE TABLE object (
    bucket TEXT, key TEXT, size INTEGER, sha256 TEXT, subject TEXT, version INTEGER, kind TEXT,
    event_id TEXT, position TEXT, at INTEGER, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE registration (
    register TEXT, subject TEXT, version INTEGER, row_id TEXT, event_id TEXT, position TEXT, at INTEGER,
    PRIMARY KEY (register, subject, version)) WITHOUT ROWID;
CREATE TABLE damaged (subject TEXT, version INTEGER, PRIMARY KEY (subject, version)) WITHOUT ROWID;
CREATE TABLE allowed (bucket TEXT, key TEXT, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE listed (bucket TEXT, key TEXT, size INTEGER, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE entered (
    register TEXT, subject TEXT, version INTEGER, row_id TEXT, bucket TEXT, key TEXT, size INTEGER, sha256 TEXT,
    PRIMARY KEY (register, subject, version)) WITHOUT ROWID;
"""

# Damage that the ledger knows of is no finding.
_KNOWN_BAD = "(SELECT 1 FROM damaged d WHERE d.subject = o.subject AND d.version = o.version)"

_FACTS_WITHOUT = f"""
    SELECT o.bucket, o.key, o.size, o.subject, o.event_id, o.position, l.size
    FROM object o LEFT JOIN listed l ON l.bucket = o.bucket AND l.key = o.key
    WHERE (l.key IS NULL OR (o.size IS NOT NULL AND l.size <> o.size)) AND NOT EXISTS {_KNOWN_BAD}
    ORDER BY o.at
"""  # noqa: S608 - constants

_OBJECTS_WITHOUT = """
    SELECT l.bucket, l.key, l.size FROM listed l
    WHERE NOT EXISTS (SELECT 1 FROM object o WHERE o.bucket = l.bucket AND o.key = l.key)
        AND NOT EXISTS (SELECT 1 FROM allowed a WHERE a.bucket = l.bucket AND a.key = l.key)
"""

_THERE = "SELECT coalesce(sum(l.size), 0), count(*) FROM object o JOIN listed l USING (bucket, key)"

_TO_READ = f"""
    SELECT o.bucket, o.key, o.sha256, o.subject, o.event_id, o.position
    FROM object o JOIN listed l ON l.bucket = o.bucket AND l.key = o.key AND l.size = o.size
    WHERE o.sha256 IS NOT NULL AND NOT EXISTS {_KNOWN_BAD}
"""  # noqa: S608 - constants

# By now: the work on it is not over, or its fact came while the audit ran.
_UNDER_WAY = """
    SELECT EXISTS (
        SELECT FROM projection.file_version
        WHERE file = %(subject)s AND (%(version)s IS NULL OR version = CAST(%(version)s AS int))
          AND (state IN ('PROCESSING', 'TRANSFERRING', 'ERROR') OR object_key = %(key)s OR quarantine_key = %(key)s))
"""
