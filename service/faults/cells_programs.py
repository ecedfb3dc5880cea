"""Cells of the row "worker" about observing programs: a publication is cut off at each of its steps, and goes on.

Its worker dies there, or the metadata store is away, or has taken it in and its answer is lost.
"""

from collections.abc import Callable
from functools import partial
from random import Random
from uuid import UUID, uuid5

from sqlalchemy import text

from events.base import Request
from events.clock import now
from events.op_asks import ClaimOp, PublishOp, ReviewOp
from events.op_requests import ReadyOp
from projectors.file_search import history_of
from service.client import Ask, Client
from service.demo.metadata_store import MetadataStore
from service.faults.arena import Arena
from service.faults.aside import patiently
from service.faults.cell import HEAL_WITHIN_S, Cell, CellFailedError, NotFiredError, Steps
from service.faults.own_streams import TROUBLES, mark_of
from service.faults.program_pieces import discovery_of, hand_in_of, program_of

__all__ = ["CELLS", "POINTS"]

ROW = "worker"
WORKERS = ("worker", "consumers")
"""Roles that have a worker: the one that is hit alone elsewhere, and everything that acts. Either may come by."""

POINTS = ("after_package", "after_archive", "after_announce", "after_cite", "before_published")
_REQUESTS = UUID("0a4d5f0e-5b1a-5a38-9d4f-0c0b8f2f7c11")
_FIRE_S, _STEP_S = 30.0, 60.0


class _NotYetError(OSError):
    """It has not come so far; looked at again."""


def _dies(point: str, arena: Arena, dice: Random) -> Steps:
    """The publication goes on after it, each product is there once, and it was announced once."""
    store = arena.metadata_store
    op = f"eid_{mark_of(dice)}"
    yield from patiently(
        partial(_accepted, arena, op), what=f"{op} accepted", errors=TROUBLES, within_s=_STEP_S
    )
    for role in WORKERS:
        arena.arm(role, f"publication.{point}:kill:1")
    try:
        ask = partial(_asked, arena, op, "publish", PublishOp(), attempt=1, actor="publisher")
        yield from patiently(ask, what=f"{op} to be published", errors=TROUBLES, within_s=_STEP_S)
        yield from _fires(point, arena, op)
    finally:
        for role in WORKERS:
            arena.disarm(role)
    published = partial(_reached, arena, op, "Published")
    yield from patiently(published, what=f"{op} Published", errors=TROUBLES, within_s=HEAL_WITHIN_S)
    _check_once(store, op)


def _meets(trouble: str, times: int, arena: Arena, dice: Random) -> Steps:
    """The metadata store is in trouble: the publication waits for it, and is announced once."""
    store = arena.metadata_store
    op = f"eid_{mark_of(dice)}"
    yield from patiently(
        partial(_accepted, arena, op), what=f"{op} accepted", errors=TROUBLES, within_s=_STEP_S
    )
    store.trouble(trouble, times)
    ask = partial(_asked, arena, op, "publish", PublishOp(), attempt=1, actor="publisher")
    yield from patiently(ask, what=f"{op} to be published", errors=TROUBLES, within_s=_STEP_S)
    published = partial(_reached, arena, op, "Published")
    yield from patiently(published, what=f"{op} Published", errors=TROUBLES, within_s=HEAL_WITHIN_S)
    if store.troubles_left:
        raise NotFiredError(
            f"wanted {times} requests that meet the trouble, {store.troubles_left} were not made"
        )
    _check_once(store, op)


def _fires(point: str, arena: Arena, op: str) -> Steps:
    """Until one of the workers has died there; where none does, say how far the publication has come instead."""
    try:
        yield from arena.until(
            lambda: any(map(arena.fired, WORKERS)), within_s=_FIRE_S, what="it", fails=NotFiredError
        )
    except NotFiredError as error:
        told = yield from patiently(partial(_standing, arena, op), what="how it stands", errors=TROUBLES)
        wanted = f"wanted publication.{point} reached within {_FIRE_S:.0f} s"
        raise NotFiredError(f"{wanted}, found {told}") from error


def _standing(arena: Arena, op: str) -> str:
    """The last facts, and the work that is not finished."""
    engine = arena.wiring.engine(pool_size=1, statement_timeout_s=5.0)
    try:
        with engine.connect() as connection:
            facts = history_of(connection, op, machine="op", limit=3)
            work = connection.execute(_UNFINISHED, {"op": op}).all()
            waiting = connection.execute(_WAITING).scalar_one()
    finally:
        engine.dispose()
    last = ", ".join(str(each["type"]) for each in facts)
    items = "; ".join(" ".join(map(str, row)) for row in work) or "none"
    return f"last {last}; its work: {items}; {waiting} items wait in all"


_UNFINISHED = text("""
    SELECT effect, state, try_number, due_at, last_code, left(last_error, 200) FROM work.item
    WHERE subject = :op AND state IN ('open', 'leased', 'reported', 'parked') ORDER BY sequence
""")
_WAITING = text("SELECT count(*) FROM work.item WHERE state = 'open'")


def _check_once(store: MetadataStore, op: str) -> None:
    keys, shown = store.keys_of(op), [each for each in store.shown.values() if each.get("op") == op]
    if len(keys) != 1 or len(shown) != 1:
        raise CellFailedError(
            f"{op}: found {len(keys)} announcements, {len(shown)} shown, wanted one that is shown"
        )


def _accepted(arena: Arena, op: str) -> None:
    """An attempt that can be published. Each step is asked under an id of its own, so that this may be begun again."""
    _asked(arena, op, "discover", discovery_of(op))
    _asked(
        arena, op, "ready", ReadyOp(by="operator"), may_be_refused=True
    )  # its policy may have been quicker
    _reached(arena, op, "Preprocessed", "Working", "Inverted")
    _asked(arena, op, "claim", ClaimOp(program=program_of(op), lease_from=now()), actor="ada")
    _asked(arena, op, "hand_in", hand_in_of(arena.products, op), attempt=1, actor="ada")
    _reached(arena, op, "Inverted")
    _asked(arena, op, "review", ReviewOp(decision="accept", note="fine"), attempt=1, actor="grace")


def _asked(
    arena: Arena,
    op: str,
    step: str,
    request: Request,
    *,
    attempt: int | None = None,
    actor: str = "faults",
    may_be_refused: bool = False,
) -> None:
    client = Client(arena.wiring, actor=actor, reason="a fault is tried", source="faults")
    try:
        identifier = str(uuid5(_REQUESTS, f"{op} {step}"))
        (asked,) = client.ask([Ask(op, request, attempt=attempt, request_id=identifier)])
    finally:
        client.close()
    if asked.outcome is None:
        raise _NotYetError(f"{op}: {step} is in doubt")
    if not asked.is_accepted and not may_be_refused:
        raise CellFailedError(f"{op}: {step} was refused: {'; '.join(asked.outcome.reasons)}")


def _reached(arena: Arena, op: str, *states: str) -> None:
    engine = arena.wiring.engine(pool_size=1, statement_timeout_s=5.0)
    try:
        with engine.connect() as connection:
            facts = [
                each for each in history_of(connection, op, machine="op", limit=20) if not each["is_refusal"]
            ]
    finally:
        engine.dispose()
    state = facts[0]["tostate"] if facts else "not known yet"
    if state not in states:
        raise _NotYetError(f"{op}: found {state}, wanted {' or '.join(states)}")


def _cell(point: str) -> Cell:
    inject: Callable[[Arena, Random], Steps] = partial(_dies, point)
    return Cell(name=f"worker.publication_{point}.kill", row=ROW, inject=inject, disturbs=WORKERS)


def _troubled(trouble: str, times: int) -> Cell:
    inject: Callable[[Arena, Random], Steps] = partial(_meets, trouble, times)
    return Cell(name=f"worker.publication_portal_{trouble}", row=ROW, inject=inject, disturbs=WORKERS)


CELLS = (*map(_cell, POINTS), _troubled("away", 3), _troubled("answer_lost", 2))
