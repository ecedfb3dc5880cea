"""What a follower does with the records it reads: prepared in memory, written in the transaction of the position."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from events.envelope import Record
from projectors.sequences import LastSequences

__all__ = [
    "Application",
    "Apply",
    "Batch",
    "NotAppliedError",
    "NotFoldedError",
    "Plain",
    "Write",
    "in_one_call",
]

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


class NotFoldedError(Exception):
    """Some record of the batch can't be folded; ``prepare_around`` finds which."""


class Application(Protocol):
    """What is done with the ledger."""

    last_sequences: LastSequences | None
    """Where the follower asks for sequences it does not remember; None: a subject first met is taken as it comes."""

    def reset(self, connection: Connection) -> None:
        """Forget whatever is remembered and read it again: the last batches may not have been written."""

    def prepare(self, pieces: Iterable[Batch]) -> Write:
        """Fold a batch in memory, all its pieces, each as it is read; raises NotFoldedError before the next piece.

        Touches no database, and may run while the batch before is still being written. A record takes four times the
        room of its bytes, so who needs it no longer once it is folded lets go of it.
        """

    def prepare_around(self, batch: Batch) -> Write:
        """The same for a batch with records that can't be folded: what can be is."""

    def set_aside(self, record: Record, error: Exception) -> Write | None:
        """The database refuses what this one record leads to: write that instead; None: the follower halts."""


class Plain:
    """An application that is one function."""

    last_sequences: LastSequences | None = None

    def __init__(self, apply: Apply) -> None:
        self._apply = apply

    def reset(self, connection: Connection) -> None:
        """Nothing is remembered."""

    def prepare(self, pieces: Iterable[Batch]) -> Write:
        """All the work is done while writing."""
        return self.prepare_around([each for piece in pieces for each in piece])

    def prepare_around(self, batch: Batch) -> Write:
        """Nothing is folded."""
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
