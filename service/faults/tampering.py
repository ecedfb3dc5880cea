"""Statements that change the arena's database behind everybody's back, and the recovery from halts they lead to."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

from projectors import recoveries
from service.faults.arena import Arena
from service.faults.cell import Steps
from service.recover import Remedies

__all__ = ["execute", "halted_and_recovered", "rebuild", "recover"]

_HALTED_S = 30.0


def execute(arena: Arena, statements: Sequence[str], values: Mapping[str, Any]) -> None:
    """All in one transaction, on one snapshot of the tables."""
    engine = arena.wiring.engine(pool_size=1)
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            for statement in statements:
                connection.execute(text(statement), values)
            connection.commit()
    finally:
        engine.dispose()


def recover(arena: Arena) -> list[str]:
    """What ``meridian recover --apply`` does about every halt that stands; what it did."""
    engine, logs = arena.wiring.engine(pool_size=2), arena.wiring.log()
    try:
        remedies = Remedies(logs=logs, engine=engine, topics=arena.wiring.topics)
        return [
            remedies.apply(remedy, actor="faults", reason="a cell of the matrix")
            for remedy in remedies.explain()
        ]
    finally:
        logs.close()
        engine.dispose()


def rebuild(arena: Arena) -> None:
    """Empty the views, to be filled again from the ledger's beginning."""
    engine = arena.wiring.engine(pool_size=1)
    try:
        with engine.begin() as connection:
            recoveries.empty_projection(connection)
            recoveries.forget_positions(connection, "projector")
    finally:
        engine.dispose()


def halted_and_recovered(arena: Arena, halt: str) -> Steps:
    """Yield until this halt stands (``part machine/partition CODE``), recover, and yield until it is gone."""
    yield from arena.until(
        lambda: halt in arena.watch.seen.halts, within_s=_HALTED_S, what=f"the halt {halt}"
    )
    recover(arena)
    yield from arena.until(
        lambda: halt not in arena.watch.seen.halts, within_s=_HALTED_S, what="the halt's end"
    )
