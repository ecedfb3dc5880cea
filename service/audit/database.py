"""The auditor's way to PostgreSQL: plain SQL, read only, one moment for all its processes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2

from service.audit.reach import DatabaseAwayError

__all__ = ["Rows", "moment", "reaching", "stream"]

_FETCHED = 5000


@contextmanager
def moment(database: str, *, snapshot: str | None = None) -> Iterator[Any]:
    """A connection that sees one moment, read only; ``snapshot`` names the moment of another such connection."""
    url = f"postgresql://{database.partition('://')[2]}"  # without the name of a driver, which is no concern of libpq
    with reaching():
        connection = psycopg2.connect(url, application_name="meridian-audit", connect_timeout=10)
    try:
        with reaching():
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            cursor = connection.cursor()
            if snapshot is not None:
                cursor.execute("SET TRANSACTION SNAPSHOT %s", (snapshot,))
            cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            yield connection
    finally:
        connection.close()


@contextmanager
def reaching() -> Iterator[None]:
    """A server that does not answer, as the command line knows it."""
    try:
        yield
    except psycopg2.OperationalError as error:
        raise DatabaseAwayError(f"postgresql does not answer: {' '.join(str(error).split())}") from error


def stream(connection: Any, name: str, query: str, *members: Any) -> Iterator[tuple[Any, ...]]:
    """Rows as they are asked for, few at a time in memory."""
    with connection.cursor(name) as cursor:
        cursor.itersize = _FETCHED
        cursor.execute(query, members)
        yield from cursor


class Rows:
    """Rows ordered by their first column, a name, in collation C, which is the order of text here too."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next: tuple[Any, ...] | None = next(rows, None)

    def before(self, name: str | None) -> Iterable[tuple[Any, ...]]:
        """Rows of names that come before this one, mostly none; all that are left where it is None."""
        row = self._next
        return self._up_to(name) if row is not None and (name is None or row[0] < name) else ()

    def _up_to(self, name: str | None) -> Iterator[tuple[Any, ...]]:
        while self._next is not None and (name is None or self._next[0] < name):
            yield self._next
            self._next = next(self._rows, None)

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """The rows of this name; to be asked once ``before`` is done."""
        found, row = [], self._next
        while row is not None and row[0] == name:
            found.append(row)
            row = next(self._rows, None)
        self._next = row
        return found
