"""All subjects of one partition in bounded memory: those used last in a dict, the rest in a SQLite file of our own."""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from service.audit.subject import Subject

__all__ = ["Subjects", "scratch"]

KEPT = 10_000
"""Subjects in memory, about 2 KiB each; lives of files are mostly over before so many others have begun."""

_CACHE_KIB = 16 * 1024


def scratch(path: Path) -> sqlite3.Connection:
    """A database for one run of one process: no journal, no fsync, no locks to take each time, a small cache."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in (
        "locking_mode = EXCLUSIVE",
        "journal_mode = OFF",
        "synchronous = OFF",
        f"cache_size = -{_CACHE_KIB}",
        "temp_store = FILE",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


class Subjects:
    """By name. What is returned may be changed until ``KEPT`` others were asked for."""

    def __init__(self, connection: sqlite3.Connection, *, kept: int = KEPT) -> None:
        self._connection = connection
        self._kept = kept
        self._live: OrderedDict[str, Subject] = OrderedDict()
        connection.execute("CREATE TABLE subject (name BLOB PRIMARY KEY, told BLOB) WITHOUT ROWID")

    def __getitem__(self, name: str) -> Subject:
        """The subject, a new one if nothing is known of it."""
        found = self._live.get(name)
        if found is not None:
            self._live.move_to_end(name)
            return found
        row = self._connection.execute("SELECT told FROM subject WHERE name = ?", (name.encode(),)).fetchone()
        found = Subject() if row is None else Subject.load(row[0])
        self._live[name] = found
        if len(self._live) > self._kept:
            self._spill(self._kept // 4)
        return found

    def in_order(self) -> Iterator[tuple[str, Subject]]:
        """Every subject, by the bytes of its name, as PostgreSQL's collation C has it. They are not to be changed."""
        self._spill(len(self._live))
        for name, told in self._connection.execute("SELECT name, told FROM subject ORDER BY name"):
            yield bytes(name).decode(), Subject.load(told)

    def _spill(self, count: int) -> None:
        oldest = [self._live.popitem(last=False) for _ in range(count)]
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT OR REPLACE INTO subject VALUES (?, ?)",
            [(name.encode(), subject.dump()) for name, subject in oldest],
        )
        self._connection.execute("COMMIT")
