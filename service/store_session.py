"""A session of PostgreSQL that one owner keeps: asked for what it knows in one round trip, without a check before.

A pooled connection is asked whether it lives before each use, opens a transaction and rolls back once more: five round
trips around one question. A session that was lost is noticed by the first question that is not answered.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from projectors.driver_errors import wrapped
from service.decider.halts import StoreUnavailableError

__all__ = ["StoreSession"]


class StoreSession:
    """Made at the first use, ended by whatever goes wrong, then made anew. For one thread at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: Any = None

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A psycopg2 cursor; committed at the end. Raises StoreUnavailableError where the server is gone."""
        with self._used(autocommit=False) as connection:
            yield connection.cursor()
            connection.commit()

    @contextmanager
    def question(self) -> Iterator[Any]:
        """A cursor whose statements stand alone, one round trip each. Raises StoreUnavailableError."""
        with self._used(autocommit=True) as connection:
            yield connection.cursor()

    def close(self) -> None:
        """Let go of the session."""
        held, self._held = self._held, None
        if held is not None:
            held.close()

    @contextmanager
    def _used(self, *, autocommit: bool) -> Iterator[Any]:
        if self._held is None:
            self._held = self._opened()
        connection = self._held
        try:
            connection.autocommit = autocommit
            yield connection
        except psycopg2.Error as error:
            self.close()
            if isinstance(wrapped(error, "the store"), OperationalError | InterfaceError):
                raise StoreUnavailableError(f"postgresql went away: {error}") from error
            raise
        except BaseException:
            self.close()
            raise

    def _opened(self) -> Any:
        try:
            opened = self._engine.raw_connection()
        except (SQLAlchemyError, psycopg2.Error) as error:
            raise StoreUnavailableError(f"postgresql does not answer: {error}") from error
        connection = opened.dbapi_connection
        opened.detach()  # the pool neither waits for it nor hands it to anybody else
        return connection
