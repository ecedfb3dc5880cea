"""Letting a subject out of quarantine: its rows are folded anew from its whole history, with today's code."""

from typing import Any

from sqlalchemy import Connection, Row, Table, delete, select

from events.base import machine_of
from events.envelope import Record
from projectors.folding import Folding, Folds
from projectors.ledger import record_of
from projectors.merge import make_stages
from projectors.positions import Positions
from projectors.read_models import LIVE, ReadModels

__all__ = ["NotTaintedError", "StillTaintedError", "release"]


class NotTaintedError(Exception):
    """The subject is not in quarantine."""


class StillTaintedError(Exception):
    """An event of the subject still can't be folded; roll back, the quarantine stands."""


def release(
    connection: Connection,
    machine: str,
    subject: str,
    *,
    follower: str = "projector",
    models: ReadModels = LIVE,
) -> int:
    """Fold the subject anew and end its quarantine, in the caller's transaction; how many records it has.

    The follower of its partition has to take over anew, since it remembers the quarantine: its next step fails with
    LostPositionError.
    """
    tainted = models.tainted
    this = (tainted.c.machine == machine) & (tainted.c.subject == subject)
    row = connection.execute(select(tainted).where(this)).one_or_none()
    if row is None:
        raise NotTaintedError(f"{subject}: found no quarantine of this {machine}; nothing to release")
    # This lock also waits for a batch that is being written: afterwards the history is whole up to the position.
    Positions(models.position, follower).dispossess(connection, (machine, row.partition))
    of_machine = [
        each for each in models.projections if any(machine_of(name) == machine for name in each.folds)
    ]
    folds = Folds(models.only(of_machine))
    history = _history(connection, models.ledger, machine, subject)
    folding = Folding(folds)
    for record in history:
        _fold(folding, record)
    for projection in folds.projections:
        table = projection.table
        connection.execute(delete(table).where(next(iter(table.primary_key.columns)) == subject))
    make_stages(connection, folds.folded)
    folding.prepared()(connection)
    connection.execute(delete(tainted).where(this))
    return len(history)


def _fold(folding: Folding, record: Record) -> None:
    if record.type not in folding.folds.of:
        return
    try:
        folding.fold(record)
    except Exception as error:
        raise StillTaintedError(
            f"{record.subject}: sequence {record.sequence} ({record.type}) can't be folded: {error}"
        ) from error


def _history(connection: Connection, ledger: Table, machine: str, subject: str) -> list[Record]:
    this = (ledger.c.machine == machine) & (ledger.c.subject == subject)
    return [
        _record(row) for row in connection.execute(select(ledger).where(this).order_by(ledger.c.sequence))
    ]


def _record(row: Row[Any]) -> Record:
    found = record_of(row)
    if found is None:
        raise StillTaintedError(
            f"{row.subject}: PostgreSQL could not hold what sequence {row.sequence} says; its bytes are on the log"
        )
    return found
