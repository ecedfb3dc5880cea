"""What a follower does with the records it reads: prepared in memory, written in the transaction of the position."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from events.envelope import Record
from projectors.sequences import LastSequences

__all__ = ["Application", "Apply", "Batch", "NotAppliedError", "Plain", "Write", "in_one_call"]

Batch = Sequence[tuple[Record, bytes]]
"""Records as today's code reads them, each with the bytes that lie on the log."""

Write = Callable[[Connection], None]
"""Writes one prepared batch; runs in the transaction that moves the position."""

Apply = Callable[[Connection, Batch], None]


def in_one_call(write: Write | None) -> str | None:
    """What a write does as text, where it is so little that it goes with the move of the position, in one round trip.

    A write that has such a form tells it by a method ``in_one_call`` of its own.
    """
    told: Callable[[], str | None] | None = getattr(write, "in_one_call", None)
    return None if told is None else told()


class NotAppliedError(Exception):
    """The code raised, not the database: a fault of ours at some record of the batch."""


class Application(Protocol):
    """What is done with the ledger."""

    last_sequences: LastSequences | None
    """Where the follower asks for sequences it does not remember; None: a subject first met is taken as it comes."""

    def reset(self, connection: Connection) -> None:
        """Forget whatever is remembered and read it again: the last batches may not have been written."""

    def prepare(self, batch: Batch) -> Write:
        """Fold a batch in memory; touches no database, and may run while the batch before is still being written."""

    def set_aside(self, record: Record, error: Exception) -> Write | None:
        """The database refuses what this one record leads to: write that instead; None: the follower halts."""


class Plain:
    """An application that is one function."""

    last_sequences: LastSequences | None = None

    def __init__(self, apply: Apply) -> None:
        self._apply = apply

    def reset(self, connection: Connection) -> None:
        """Nothing is remembered."""

    def prepare(self, batch: Batch) -> Write:
        """All the work is done while writing."""
        return partial(_called, self._apply, batch)

    def set_aside(self, record: Record, error: Exception) -> Write | None:
        """Nothing is known that could be written instead."""
        del record, error
        return None


def _called(apply: Apply, batch: Batch, connection: Connection) -> None:
    try:
        apply(connection, batch)
    except DBAPIError:
        raise  # whether it is the server or a row, the follower tells them apart
    except Exception as error:
        raise NotAppliedError(f"{type(error).__name__}: {error}") from error
