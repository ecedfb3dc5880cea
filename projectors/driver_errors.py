"""Errors of the driver's own calls as SQLAlchemy wraps those of its calls, so that one kind of them is caught."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import psycopg2.errors
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.dialects.postgresql.psycopg2 import dialect
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, OperationalError

__all__ = ["as_outage", "wrapped", "wrapping"]

_DIALECT: Dialect = dialect()  # type: ignore[no-untyped-call]


@contextmanager
def wrapping(statement: str) -> Iterator[None]:
    """For calls to the driver itself: raises SQLAlchemy's errors, never the driver's."""
    try:
        yield
    except psycopg2.Error as error:
        raise wrapped(error, statement) from error


def wrapped(error: psycopg2.Error, statement: str) -> Exception:
    """The same error, of the class that SQLAlchemy has for it."""
    if _is_cut_off(error):
        return OperationalError(statement, None, error)
    found: Exception = DBAPIError.instance(statement, None, error, psycopg2.Error, dialect=_DIALECT)
    return found


def as_outage(engine: Engine) -> Engine:
    """The engine, whose errors without any class and code of PostgreSQL's are told as a connection cut off."""

    @event.listens_for(engine, "handle_error", retval=True)
    def _(context: ExceptionContext) -> BaseException | None:
        error = context.original_exception
        if not (isinstance(error, psycopg2.Error) and _is_cut_off(error)):
            return None
        context.is_disconnect = True
        return OperationalError(context.statement, None, error)

    return engine


def _is_cut_off(error: psycopg2.Error) -> bool:
    """What PostgreSQL refuses has a code; what has none, and no class but the most general, is a cut in mid-answer.

    A session that was silent for too long inside a transaction is cut off too, though the driver has another class.
    """
    if isinstance(error, psycopg2.errors.IdleInTransactionSessionTimeout):
        return True
    return type(error) is psycopg2.DatabaseError and error.pgcode is None
