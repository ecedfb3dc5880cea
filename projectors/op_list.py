"""Lists of observing programs, a page at a time, those longest in their state first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["OpCursor", "OpFilter", "OpPage", "op_page"]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OpFilter:
    """Which observing programs; what is None, empty or False does not matter.

    ``since`` and ``until`` are about the time at which an observing program came into its state.
    """

    states: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    overdue: bool = False
    proposals: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpCursor:
    """The last one of a page: the next page begins behind it."""

    since_at: datetime
    op: str


@dataclass(frozen=True, slots=True)
class OpPage:
    """Rows of ``v1.op``; ``next``: where the next page begins, None after the last."""

    ops: list[Row]
    next: OpCursor | None


def op_page(
    connection: Connection, wanted: OpFilter, *, after: OpCursor | None = None, limit: int = 50
) -> OpPage:
    """One page, by the time at which they came into their state; ``after`` is the former page's ``next``."""
    conditions, values = _conditions(wanted, after)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = connection.execute(text(_PAGE.format(where=where)), {**values, "limit": limit + 1}).mappings()
    ops = [dict(row) for row in rows]
    is_last, ops = len(ops) <= limit, ops[:limit]
    return OpPage(ops, None if is_last else OpCursor(ops[-1]["since_at"], ops[-1]["op"]))


# The keys of the page first, from as few tables as it needs; then its rows.
_PAGE = """
    SELECT o.* FROM (
        SELECT s.op, s.since_at FROM projection.op_status s {where} ORDER BY s.since_at, s.op LIMIT :limit
    ) AS found JOIN v1.op o ON o.op = found.op
    ORDER BY found.since_at, found.op
"""

_HAS_A_PROGRAM = (
    "EXISTS (SELECT FROM projection.op_program p WHERE p.op = s.op AND p.datasets > 0 AND {what})"
)

# Whoever was told stays told until it is assigned anew; before that the time alone says so.
_IS_OVERDUE = "s.state <> 'Published' AND (s.overdue_to IS NOT NULL OR s.owner_due_at <= now())"


def _conditions(wanted: OpFilter, after: OpCursor | None) -> tuple[list[str], dict[str, Any]]:
    programs = {
        "upper(p.instrument) = ANY(:instruments)": (
            "instruments",
            [each.upper() for each in wanted.instruments],
        ),
        "p.program = ANY(:programs)": ("programs", list(wanted.programs)),
    }
    told = {
        "s.state = ANY(:states)": ("states", list(wanted.states)),
        "s.owner = ANY(:owners)": ("owners", list(wanted.owners)),
        "s.proposal = ANY(:proposals)": ("proposals", list(wanted.proposals)),
        "s.experiment = ANY(:experiments)": ("experiments", list(wanted.experiments)),
        "s.since_at >= :since": ("since", wanted.since),
        "s.since_at < :until": ("until", wanted.until),
    }
    given = {condition: pair for condition, pair in told.items() if pair[1]}
    of_programs = {condition: pair for condition, pair in programs.items() if pair[1]}
    conditions = list(given)
    values: dict[str, Any] = dict([*given.values(), *of_programs.values()])
    if of_programs:
        conditions.append(_HAS_A_PROGRAM.format(what=" AND ".join(of_programs)))
    if wanted.overdue:
        conditions.append(f"({_IS_OVERDUE})")
    if after is not None:
        conditions.append("(s.since_at, s.op) > (:after_at, :after_op)")
        values |= {"after_at": after.since_at, "after_op": after.op}
    return conditions, values
