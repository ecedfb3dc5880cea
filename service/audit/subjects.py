"""All subjects of one partition in bounded memory: those met last in a dict, the rest in a SQLite file of our own."""

import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from service.audit.subject import Subject

__all__ = ["Subjects", "scratch"]

KEPT = 10_000
"""Subjects in memory, about 2 KiB each; lives of files are mostly over before so many others have begun."""

_CACHE_KIB = 16 * 1024

_MARKED = 4 * 1024 * 1024 - 1
"""A byte for each hash of a name that may be in the file: most subjects met are new, and need no look there."""

_ONE = "SELECT told, requests FROM subject WHERE name = ?"
_ALL = "SELECT name, told, requests FROM subject ORDER BY name"


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
    """By name. What is returned may be changed until the next one is asked for. ``live``: those in memory."""

    def __init__(self, connection: sqlite3.Connection, *, kept: int = KEPT) -> None:
        self._connection = connection
        self._kept = kept
        self.live: dict[str, Subject] = {}
        self._marks = bytearray(_MARKED + 1)
        connection.execute(
            "CREATE TABLE subject (name BLOB PRIMARY KEY, told BLOB, requests BLOB) WITHOUT ROWID"
        )

    def __getitem__(self, name: str) -> Subject:
        """The subject, a new one if nothing is known of it."""
        found = self.live.get(name)
        if found is not None:
            return found
        if len(self.live) >= self._kept:
            self._spill(self._kept // 4 or 1)
        key = name.encode()
        found = self.live[name] = self._spilled(key) if self._marks[hash(key) & _MARKED] else Subject(key)
        return found

    def in_order(self) -> Iterator[tuple[str, Subject]]:
        """Every subject, by the bytes of its name, as PostgreSQL's collation C has it. They are not to be changed."""
        live = iter(sorted(self.live))  # by code points, which is the order of the bytes
        waiting = next(live, None)
        for key, told, requests in self._connection.execute(_ALL):
            name = key.decode()
            while waiting is not None and waiting <= name:
                yield waiting, self.live[waiting]
                waiting = next(live, None)
            if name not in self.live:  # else what stands here is what it was before it was asked for again
                yield name, Subject.load(told, requests, key)
        while waiting is not None:
            yield waiting, self.live[waiting]
            waiting = next(live, None)

    def _spilled(self, key: bytes) -> Subject:
        row = self._connection.execute(_ONE, (key,)).fetchone()
        if row is None:
            return Subject(key)
        told, requests = row
        found = Subject.load(told, requests, key)
        found.unpack()
        return found

    def _spill(self, count: int) -> None:
        oldest = [self.live.pop(name) for name in list(islice(self.live, count))]
        for subject in oldest:
            self._marks[hash(subject.key) & _MARKED] = 1
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT OR REPLACE INTO subject VALUES (?, ?, ?)",
            [(subject.key, *subject.dump()) for subject in oldest],
        )
        self._connection.execute("COMMIT")
