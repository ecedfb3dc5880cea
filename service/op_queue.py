"""The first programs of the queue of those that can be claimed: each with its score and every term of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from machines.program.dataset import UNKNOWN
from machines.program.ranking import Candidate, Ranked, Ranking, rank

__all__ = ["ranked"]


def ranked(rows: Iterable[Mapping[str, Any]], weights: Ranking, *, at: datetime) -> list[dict[str, Any]]:
    """Rows of ``v1.op_queue`` with ``rank``, ``score`` and ``terms``, the first to be claimed first."""
    by_name = {(str(row["op"]), str(row["program"])): row for row in rows}
    candidates = [_candidate(row, at=at) for row in by_name.values()]
    return [
        {**_told(each), **by_name[each.candidate.op_id, each.candidate.program]}
        for each in rank(candidates, weights, at=at)
    ]


def _candidate(row: Mapping[str, Any], *, at: datetime) -> Candidate:
    return Candidate(
        op_id=str(row["op"]),
        program=str(row["program"]),
        instrument=row.get("instrument") or UNKNOWN,
        waiting_since=row.get("waiting_since_at") or at,
        frames=row.get("frames"),
        priority=row.get("priority") or 0,
        mark=bool(row.get("mark")),
    )


def _told(each: Ranked) -> dict[str, Any]:
    points = {f"points_{term.name}": term.points for term in each.terms}
    terms = [term._asdict() for term in each.terms]
    return {"rank": each.rank, "score": each.score, **points, "why": each.why, "terms": terms}
