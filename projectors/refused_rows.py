"""Rows that the database refuses: by which errors it says so, and how a follower halts at a record that leads there."""

from sqlalchemy.exc import DataError, IntegrityError

from events.envelope import Record
from projectors.application import NotAppliedError
from projectors.halt import HaltError

__all__ = ["REFUSED_ROWS", "halted_at"]

REFUSED_ROWS = (DataError, IntegrityError, NotAppliedError)


def halted_at(follower: str, record: Record, error: Exception) -> HaltError:
    """Why a follower can't pass this record."""
    is_ours = isinstance(error, NotAppliedError)
    who = "the code raised at" if is_ours else "the database refuses"
    return HaltError(
        "CODE_IS_WRONG" if is_ours else "ROWS_REFUSED",
        f"{follower}: {who} {record.machine}/{record.partition} offset {record.offset} "
        f"({record.type} of {record.subject}): {error}",
        machine=record.machine,
        partition=record.partition,
        offset=record.offset,
    )
