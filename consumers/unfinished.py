"""Work items that are not done yet, for those who look after them: chosen, listed, and what waits behind each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["Chosen", "unfinished"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which items; what is None does not matter. Times are those of the facts that oblige."""

    states: tuple[str, ...] = ("open", "leased", "reported", "parked")
    subjects: Sequence[str] | None = None
    streams: Sequence[str] | None = None
    effects: Sequence[str] | None = None
    codes: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


_QUERY = text("""
    SELECT i.event_id, i.effect, i.subject, i.stream, i.version, i.attempt, i.state, i.try_number, i.created_at,
           i.due_at, i.lease_owner, i.lease_until, i.reported_at, i.last_code, i.last_error, i.parked_reason,
           (SELECT count(*) FROM work.item b WHERE b.subject = i.subject AND b.lane = i.lane
                AND b.sequence > i.sequence AND b.state IN ('open', 'leased', 'reported', 'parked')) AS behind
    FROM work.item i
    WHERE i.state = ANY(:states)
      AND (CAST(:subjects AS text[]) IS NULL OR i.subject = ANY(:subjects))
      AND (CAST(:streams AS text[]) IS NULL OR i.stream = ANY(:streams))
      AND (CAST(:effects AS text[]) IS NULL OR i.effect = ANY(:effects))
      AND (CAST(:codes AS text[]) IS NULL OR i.last_code = ANY(:codes))
      AND (CAST(:since AS timestamptz) IS NULL OR i.created_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR i.created_at < :until)
    ORDER BY i.created_at, i.subject LIMIT :limit
""")


def unfinished(
    connection: Connection, chosen: Chosen = Chosen(), *, limit: int | None = None
) -> list[dict[str, Any]]:
    """These items, the oldest first; ``behind``: how many wait for the end of this one."""
    members = {
        "states": list(chosen.states),
        "subjects": _listed(chosen.subjects),
        "streams": _listed(chosen.streams),
        "effects": _listed(chosen.effects),
        "codes": _listed(chosen.codes),
        "since": chosen.since,
        "until": chosen.until,
        "limit": limit,
    }
    rows = connection.execute(_QUERY, members)
    return [dict(row) for row in rows.mappings()]


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return list(values) if values else None
