"""What is claimed for the light thread, and in which order: verdicts before the staging that follows from them."""

from collections.abc import Iterator

from sqlalchemy import Connection

from consumers import claims
from consumers.claims import Places, Standing, WorkItem
from consumers.effects import LIGHT, PROGRAM_STEPS
from consumers.effects.preprocess import why_not_needed
from consumers.homes import Home
from consumers.pace import Pace

__all__ = ["STAGING", "claim_all_light", "steps_of_threads"]

JUDGING = ("readiness", "qualify")

STAGING = "preprocess"
"""The effect that takes a thread where there is something to stage, and next to nothing elsewhere."""


def claim_all_light(
    connection: Connection, standing: Standing, *, home: Home, owner: str, pace: Pace
) -> tuple[list[WorkItem], bool]:
    """Light items by their turns, and rows of registers; and whether there may be more of any of them.

    While those of one turn fill a batch, the later turns go on in few places.
    """
    found: list[WorkItem] = []
    may_be_more = False
    for effects in _turns(home):
        room = max(1, pace.batch // 10) if may_be_more else pace.batch
        taken = claims.claim_light(
            connection, standing, owner=owner, effects=effects, at_most=room, lease_s=pace.lease_s
        )
        found += taken
        may_be_more = may_be_more or len(taken) >= room
    rows = claims.claim_steps(
        connection,
        standing,
        owner=owner,
        effects=("register",),
        places=_rows(pace.rows),
        lease_s=pace.lease_s,
    )
    return found + rows, may_be_more or len(rows) >= pace.rows


def _turns(home: Home) -> Iterator[tuple[str, ...]]:
    """Programs wait for verdicts, so these go first; and nobody looks at one that is ready before its verdict."""
    yield JUDGING
    yield tuple(each for each in LIGHT if each not in JUDGING)
    if why_not_needed(home) is not None:
        yield (STAGING,)


def steps_of_threads(home: Home) -> tuple[str, ...]:
    """Steps of programs that take a thread each. Staging is none of them where nothing has to be staged."""
    return tuple(each for each in PROGRAM_STEPS if each != STAGING or why_not_needed(home) is None)


def _rows(batch: int) -> Places:
    """Rows of registers cost next to nothing, large or small; those of streams behind others only don't come first."""
    return Places(batch, large=batch, catch_up=batch, behind=max(1, batch // 10), behind_alone=batch)
