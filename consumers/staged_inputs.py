"""Which staged inputs are to leave the work area by the policy in force: nobody works with them; old, or too much."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from events.space_policy import Quota

__all__ = ["Unstaging", "unstagings_wanted"]


AGAIN = timedelta(days=1)
"""What was to go so long ago is asked for again: its worker may have been lost with all that it had to do."""


class Unstaging(NamedTuple):
    """One removal that the policy wants: of which program, from where, by which rule, and what was found."""

    op: str
    program: str
    location: str
    policy: str
    because: str


def unstagings_wanted(
    connection: Connection, quota: Quota, *, at: datetime, at_most: int
) -> Iterator[Unstaging]:
    """The oldest first; where there is too much, what waits to be claimed goes after all that does not."""
    seen: set[tuple[str, str]] = set()
    again = at - AGAIN
    if quota.max_age_days is not None:
        before = at - timedelta(days=quota.max_age_days)
        for row in connection.execute(_OLD, {"before": before, "again": again, "at_most": at_most}):
            seen.add((row.op, row.location))
            days = (at - row.since_at).total_seconds() / 86400
            because = f"nobody has worked with them for {days:.1f} days, kept {quota.max_age_days:g}"
            yield Unstaging(row.op, row.program, row.location, "staged-age", because)
    if quota.max_bytes is None:
        return
    left = int(quota.max_bytes * quota.down_to)
    values: dict[str, Any] = {"max_bytes": quota.max_bytes, "left": left, "again": again, "at_most": at_most}
    for row in connection.execute(_TOO_MANY, values):
        if (row.op, row.location) not in seen:
            because = f"{row.newer_bytes} bytes are staged up to these, kept {left}"
            yield Unstaging(row.op, row.program, row.location, "staged-quota", because)


# All that lies in the work area and is not just on its way out, with since when nobody has worked with it.
_KEPT = """
    SELECT s.op, s.program, s.location, coalesce(s.size_bytes, 0) AS bytes,
        greatest(s.staged_at, a.last_at) AS since_at, o.is_held OR coalesce(a.is_worked_with, false) AS is_needed,
        coalesce(p.state = 'Preprocessed' AND p.staged_location = s.location, false)
            AND NOT coalesce(a.is_public, false) AS is_waiting
    FROM projection.op_staged s
    JOIN projection.op_status o ON o.op = s.op
    LEFT JOIN projection.op_program p ON p.op = s.op AND p.program = s.program
    LEFT JOIN LATERAL (
        SELECT max(e.since_at) AS last_at, bool_or(e.is_public) AS is_public, bool_or(e.cover = s.cover AND
            e.state IN ('Working', 'HandedIn', 'Verified', 'Accepted', 'Publishing')) AS is_worked_with
        FROM projection.op_attempt e WHERE e.op = s.op AND e.program = s.program
    ) a ON true
    WHERE s.removed_at IS NULL AND (s.removing_at IS NULL OR s.removing_at < :again)
"""

_OLD = text(f"""
    SELECT op, program, location, since_at FROM ({_KEPT}) AS kept WHERE NOT is_needed AND since_at < :before
    ORDER BY since_at, op, location LIMIT :at_most
""")  # noqa: S608 - our own words

# What is needed counts, and stays.
_TOO_MANY = text(f"""
    SELECT op, program, location, newer_bytes FROM (
        SELECT op, program, location, is_needed, is_waiting, since_at, sum(bytes) OVER () AS all_bytes,
            sum(bytes) OVER (ORDER BY is_needed DESC, is_waiting DESC, since_at DESC, op, location) AS newer_bytes
        FROM ({_KEPT}) AS kept
    ) AS summed WHERE all_bytes > :max_bytes AND newer_bytes > :left AND NOT is_needed
    ORDER BY is_waiting, since_at, op, location LIMIT :at_most
""")  # noqa: S608 - our own words
