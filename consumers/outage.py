"""What the database's being away looks like, as against its refusing a statement, which is a mistake of ours."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

__all__ = ["OUTAGES", "in_words"]

OUTAGES: tuple[type[SQLAlchemyError], ...] = (OperationalError, InterfaceError, PoolTimeout)
"""Later may work."""


def in_words(error: Exception) -> str:
    """What the driver said, in one line."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(original).split())[:500]
