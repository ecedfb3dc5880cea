"""Finding observing programs: what can be claimed next, and what is close to a name that is not there."""

from datetime import datetime
from difflib import get_close_matches
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from machines.program.dataset import UNKNOWN
from machines.program.ranking import Ranking
from projectors.op_status import NOT_PLAIN

__all__ = ["Queue", "close_ops", "now_of", "queued"]

Row = dict[str, Any]

_CLOSE_AMONG = 5000
_CLOSE = "SELECT op FROM projection.op_status WHERE op ILIKE :stem ORDER BY since_at DESC, op LIMIT :among"


class Queue(NamedTuple):
    """The first of what can be claimed: rows of ``v1.op_queue``, the best first; ``length``: of how many."""

    rows: list[Row]
    length: int


def queued(connection: Connection, by: Ranking, *, at: datetime, limit: int) -> Queue:
    """The first ``limit`` programs that can be claimed now, by the score of ``machines.program.ranking``.

    The score is counted here over narrow rows, so that a queue of 100,000 is not read whole; who shows it counts it
    again with every term.
    """
    weights = by.model_dump(exclude={"name", "version", "source", "instruments"})
    instruments = {"instruments": list(by.instruments), "points": list(by.instruments.values())}
    connection.execute(_WHOLE)
    rows = _rows(connection, _FIRST, **weights, **instruments, at=at, limit=limit, unknown=UNKNOWN)
    length = rows[0]["length"] if rows else 0
    return Queue([{name: value for name, value in row.items() if name != "length"} for row in rows], length)


def now_of(connection: Connection) -> datetime:
    """The database's clock, which the views go by."""
    return connection.execute(text("SELECT now()")).scalar_one()  # type: ignore[no-any-return]


def close_ops(connection: Connection, op: str, *, at_most: int = 3) -> list[str]:
    """Observing programs whose names are nearly this one, the nearest first."""
    stem = op[: max(2, len(op) // 3)].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    among = [row["op"] for row in _rows(connection, _CLOSE, stem=f"%{stem}%", among=_CLOSE_AMONG)]
    return get_close_matches(op, among, n=at_most, cutoff=0.75)


# Until the transaction ends: 100,000 narrow rows are kept in memory, and joined as a whole. One by one, as the planner
# would have it where statistics are young, each costs as much as all that is counted of it.
_WHOLE = text("SELECT set_config('work_mem', '64MB', true), set_config('enable_nestloop', 'off', true)")


def _rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]


# What v1.op_queue has, in thousandths of points as the terms are shown: what is equal there is equal here. Of most
# programs nobody has said anything, and nothing is in their way: the few of which it is otherwise are looked up beside.
# Whole rows are read of the first alone.
_FIRST = f"""
    WITH not_plain AS MATERIALIZED (
        SELECT op, priority, mark, is_held, failures FROM projection.op_status WHERE {NOT_PLAIN}
    ), weight AS (
        SELECT * FROM unnest(CAST(:instruments AS text[]), CAST(:points AS float8[])) AS w (instrument, points)
    ), free AS (
        SELECT p.op, p.program, p.since_at, COALESCE(p.instrument, :unknown) AS instrument,
               COALESCE(p.frames, (SELECT sum(d.frames)::bigint FROM projection.op_dataset d
                                   WHERE d.op = p.op AND d.program = p.program AND NOT d.is_gone)) AS frames
        FROM projection.op_program p
        WHERE p.state = 'Preprocessed' AND p.datasets > 0
          AND NOT EXISTS (SELECT FROM projection.op_attempt a
                          WHERE a.op = p.op AND a.program = p.program AND
                               (a.state IN ('Working', 'HandedIn', 'Verified', 'Accepted', 'Publishing')
                                OR a.is_public))
    ), terms AS (
        SELECT f.op, f.program, COALESCE(f.since_at, :at) AS since_at, COALESCE(w.points, 0) AS instrument,
               CASE WHEN n.mark THEN CAST(:mark AS float8) ELSE 0 END AS mark,
               CAST(:priority AS float8) * COALESCE(n.priority, 0) AS priority,
               CAST(:age_per_day AS float8)
                   * GREATEST(date_part('epoch', CAST(:at AS timestamptz) - f.since_at) / 86400, 0) AS age,
               COALESCE(CAST(:size_per_tenfold AS float8)
                        * log(NULLIF(GREATEST(f.frames, 0), 0)::float8), 0) AS size
        FROM free f
        LEFT JOIN not_plain n ON n.op = f.op
        LEFT JOIN weight w ON w.instrument = f.instrument
        WHERE n.op IS NULL OR (NOT n.is_held AND COALESCE(n.failures -> 'op', 'null') = 'null'
                               AND COALESCE(n.failures -> ('program:' || f.program), 'null') = 'null')
    ), best AS (
        SELECT op, program, since_at, count(*) OVER () AS length,
               round(1000 * mark) + round(1000 * priority) + round(1000 * instrument) + round(1000 * size)
                   + COALESCE(round(1000 * sign(age) * LEAST(abs(age), CAST(:age_at_most AS float8))), 0) AS score
        FROM terms ORDER BY score DESC, since_at, op, program LIMIT :limit
    )
    SELECT q.*, best.length
    FROM best CROSS JOIN LATERAL (SELECT * FROM v1.op_queue q
                                   WHERE q.op = best.op AND q.program = best.program OFFSET 0) AS q
    ORDER BY best.score DESC, best.since_at, best.op, best.program
"""  # noqa: S608 - a condition of our own
