"""Listening to PostgreSQL's notices, on a connection of its own; a server that is gone is SQLAlchemy's error."""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy import Engine

from projectors.driver_errors import wrapping

__all__ = ["Listening", "listening"]


class Listening:
    """Notices since the last wait."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def wait(self, timeout_s: float) -> set[str] | None:
        """The payloads that have come, or None after ``timeout_s`` without any. Raises DBAPIError."""
        with wrapping("LISTEN"):
            if not select.select([self._connection], [], [], timeout_s)[0]:
                return None
            self._connection.poll()
            if self._connection.closed:
                raise psycopg2.OperationalError("the session ended while it listened")
            payloads = {str(notice.payload) for notice in self._connection.notifies}
            self._connection.notifies.clear()
            return payloads


@contextmanager
def listening(engine: Engine, *channels: str) -> Iterator[Listening]:
    """Whatever is notified on these channels from now on. Raises DBAPIError where the database is away."""
    with wrapping("LISTEN"):
        raw = engine.raw_connection()
    try:
        raw.detach()  # it listens and is in autocommit: not for the pool
        connection: Any = raw.dbapi_connection
        with wrapping("LISTEN"):
            connection.set_session(autocommit=True)
            with connection.cursor() as cursor:
                for channel in channels:
                    cursor.execute(f'LISTEN "{channel}"')
        yield Listening(connection)
    finally:
        raw.close()
