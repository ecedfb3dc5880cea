"""What the facts say of the world outside: objects and rows of registers, kept in tables until they are looked at."""

import sqlite3
from typing import Any

__all__ = ["EFFECTS", "EffectsLog"]

_BATCH = 2000

_TABLES = """
CREATE TABLE object (
    bucket TEXT, key TEXT, size INTEGER, sha256 TEXT, subject TEXT, version INTEGER, kind TEXT,
    event_id TEXT, position TEXT, at INTEGER, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE registration (
    register TEXT, subject TEXT, version INTEGER, row_id TEXT, event_id TEXT, position TEXT, at INTEGER,
    PRIMARY KEY (register, subject, version)) WITHOUT ROWID;
CREATE TABLE damaged (subject TEXT, version INTEGER, PRIMARY KEY (subject, version)) WITHOUT ROWID;
"""

_KINDS = {
    "file.validated": "metadata_object",
    "file.transferred": "object",
    "file.rejected": "quarantine",
    "file.adopted": "object",
}
EFFECTS = frozenset(
    {
        *_KINDS,
        "file.previewed",
        "file.failed",
        "file.registered",
        "file.removed",
        "file.damaged",
        "file.restored",
    }
)
"""Facts that say something of it."""


class EffectsLog:
    """Takes the records of one partition in their order; with ``is_kept`` False they are read and nothing is kept."""

    def __init__(self, connection: sqlite3.Connection, *, is_kept: bool = True) -> None:
        self._connection = connection
        self._is_kept = is_kept
        self._objects: list[tuple[Any, ...]] = []
        self._registrations: list[tuple[Any, ...]] = []
        connection.executescript(_TABLES)

    def take(self, record: dict[str, Any], place: str, offset: int) -> None:
        """Keep what this record says; ``place``: topic and partition."""
        kind, data = record["type"], record["data"]
        if kind not in EFFECTS:
            return
        position = f"{place}/{offset}"
        told = data.get("preview") if kind == "file.previewed" else data
        self._logged(record, told, position, offset)
        if kind in _KINDS:
            self._stored(record, data.get(_KINDS[kind]), position, offset)
        elif kind == "file.previewed":
            self._stored(record, told.get("object"), position, offset)
        elif kind == "file.removed":
            self._removed(data)
        elif kind == "file.registered":
            row = (
                str(data["register_table"]),
                record["subject"],
                _number(record["version"]),
                str(data["row_id"]),
            )
            self._registrations.append((*row, str(record["id"]), f"{place}/{offset}", offset))
        elif kind != "file.failed":
            self._damaged(record)
        if len(self._objects) + len(self._registrations) >= _BATCH:
            self._flush()

    def _stored(self, record: dict[str, Any], stored: Any, position: str, offset: int) -> None:
        if stored is None or stored.get("in_place"):
            return  # what lies where it was announced is nothing of the archive's
        size = None if stored.get("size_bytes") is None else _number(stored["size_bytes"])
        told = (str(stored["bucket"]), str(stored["key"]), size, _text(stored.get("sha256")))
        about = (record["subject"], _number(record["version"]), record["type"], str(record["id"]))
        self._objects.append((*told, *about, position, offset))

    def _logged(self, record: dict[str, Any], told: dict[str, Any], position: str, offset: int) -> None:
        """A log that stands whole in the archive; only its place is told."""
        place = (told.get("usage") or {}).get("log_object")
        if place is not None:
            bucket, _, key = str(place).removeprefix("s3://").partition("/")
            self._stored(record, {"bucket": bucket, "key": key}, position, offset)

    def end(self) -> None:
        """There are no more records."""
        self._flush()
        self._connection.execute("CREATE INDEX object_of ON object (subject, version, at)")

    def _flush(self) -> None:
        if self._is_kept:
            self._write()
        self._objects, self._registrations = [], []

    def _write(self) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", self._objects
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO registration VALUES (?, ?, ?, ?, ?, ?, ?)", self._registrations
        )
        self._connection.execute("COMMIT")

    def _removed(self, data: dict[str, Any]) -> None:
        """An original or a picture that is gone by a fact is no object any more."""
        if data["what"] in {"quarantine", "preview"} and data["is_gone"]:
            self._flush()
            bucket, _, key = str(data["place"]).removeprefix("s3://").partition("/")
            self._connection.execute("DELETE FROM object WHERE bucket = ? AND key = ?", (bucket, key))

    def _damaged(self, record: dict[str, Any]) -> None:
        """Damage that is known is no finding."""
        who = (record["subject"], _number(record["version"]))
        self._connection.execute("DELETE FROM damaged WHERE subject = ? AND version = ?", who)
        if record["type"] == "file.damaged":
            self._connection.execute("INSERT INTO damaged VALUES (?, ?)", who)


def _number(value: Any) -> int:
    """A number that the table can hold; what a forged record says may be anything."""
    if not isinstance(value, int) or abs(value) >= 2**63:
        raise TypeError(f"found {value!r}, wanted a whole number")
    return value


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
