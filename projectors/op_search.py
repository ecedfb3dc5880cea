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

    The score is counted here over narrow rows, and only of those that can be among the first; who shows it counts it
    again with every term.
    """
    weights = by.model_dump(exclude={"name", "version", "source", "instruments"})
    instruments = {"instruments": list(by.instruments), "points": list(by.instruments.values())}
    connection.execute(_WHOLE)
    size = 0.0 if by.size_per_tenfold < 0 else by.size_per_tenfold * _TENFOLDS
    most = max((0.0, *by.instruments.values())) + size
    rows = _rows(connection, _FIRST, **weights, **instruments, at=at, limit=limit, unknown=UNKNOWN, most=most)
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


_TENFOLDS = 19
"""Of frames: no count in the database has more digits."""

# Until the transaction ends: 100,000 narrow rows are kept in memory, and joined as a whole. One by one, as the planner
# would have it where statistics are young, each costs as much as all that is counted of it.
_WHOLE = text("SELECT set_config('work_mem', '64MB', true), set_config('enable_nestloop', 'off', true)")


def _rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]


_CLAIMABLE = """p.state = 'Preprocessed' AND p.datasets > 0
          AND NOT EXISTS (SELECT FROM projection.op_attempt a
                          WHERE a.op = p.op AND a.program = p.program AND
                               (a.state IN ('Working', 'HandedIn', 'Verified', 'Accepted', 'Publishing')
                                OR a.is_public) {one_by_one})
"""
_OPEN = """NOT n.is_held AND COALESCE(n.failures -> 'op', 'null') = 'null'
          AND COALESCE(n.failures -> ('program:' || p.program), 'null') = 'null'
"""
# As v1.op_queue counts it, in thousandths of points as the terms are shown: what is equal there is equal here.
_SCORE = """
    round(1000 * CASE WHEN n.mark THEN CAST(:mark AS float8) ELSE 0 END)
    + round(1000 * CAST(:priority AS float8) * COALESCE(n.priority, 0))
    + round(1000 * COALESCE((CAST(:points AS float8[]))[array_position(CAST(:instruments AS text[]),
                                                                      COALESCE(p.instrument, :unknown))], 0))
    + round(1000 * COALESCE(CAST(:size_per_tenfold AS float8) * log(NULLIF(GREATEST(COALESCE(p.frames,
        (SELECT sum(d.frames)::bigint FROM projection.op_dataset d
         WHERE d.op = p.op AND d.program = p.program AND NOT d.is_gone)), 0), 0)::float8), 0))
    + COALESCE(round(1000 * sign(CAST(:age_per_day AS float8)) * LEAST(
        abs(CAST(:age_per_day AS float8))
        * GREATEST(date_part('epoch', CAST(:at AS timestamptz) - p.since_at) / 86400, 0),
        CAST(:age_at_most AS float8))), 0)
"""
_NAMED = f"p.op, p.program, COALESCE(p.since_at, :at) AS since_at, {_SCORE} AS score"

# Of most programs nobody has said anything, and nothing is in their way. Those of which it is otherwise are few: they
# are all scored, and so are the plain ones that have waited longest. Where waiting counts, others whose waiting, with
# the most that instrument and size can give, does not come up to the last of the first of these are passed over.
_FIRST = f"""
    WITH not_plain AS MATERIALIZED (
        SELECT op, priority, mark, is_held, failures FROM projection.op_status WHERE {NOT_PLAIN}
    ), not_plain_program AS MATERIALIZED (
        SELECT {_NAMED}, {_OPEN} AS is_open FROM not_plain n, LATERAL (
            SELECT * FROM projection.op_program p
            WHERE p.op = n.op AND {_CLAIMABLE.format(one_by_one="OFFSET 0")} OFFSET 0) AS p
    ), oldest AS (
        SELECT * FROM projection.op_program WHERE state = 'Preprocessed' ORDER BY since_at LIMIT 500 + :limit
    ), surely AS (
        SELECT score FROM not_plain_program WHERE is_open
        UNION ALL
        SELECT {_SCORE} FROM oldest p, (VALUES (false, 0)) AS n (mark, priority)
        WHERE {_CLAIMABLE.format(one_by_one="OFFSET 0")} AND NOT EXISTS (SELECT FROM not_plain n WHERE n.op = p.op)
    ), bound AS MATERIALIZED (
        SELECT CASE WHEN count(*) = :limit AND CAST(:age_per_day AS float8) > 1e-6 THEN to_timestamp(GREATEST(-1e10,
                   date_part('epoch', CAST(:at AS timestamptz))
                   - 86400 * LEAST(min(score) / 1000 - CAST(:most AS float8) - 0.01, 1e12)
                   / GREATEST(CAST(:age_per_day AS float8), 1e-6))) END AS since_at
        FROM (SELECT score FROM surely ORDER BY score DESC LIMIT :limit) AS first
    ), best AS (
        SELECT op, program, since_at, score FROM not_plain_program WHERE is_open
        UNION ALL
        SELECT {_NAMED} FROM projection.op_program p, (VALUES (false, 0)) AS n (mark, priority)
        WHERE (p.since_at > (SELECT since_at FROM bound)) IS NOT TRUE AND {_CLAIMABLE.format(one_by_one="")}
          AND NOT EXISTS (SELECT FROM not_plain n WHERE n.op = p.op)
        ORDER BY score DESC, since_at, op, program LIMIT :limit
    )
    SELECT q.*, (SELECT count(*) FROM projection.op_program p WHERE {_CLAIMABLE.format(one_by_one="")})
                - (SELECT count(*) FROM not_plain_program WHERE NOT is_open) AS length
    FROM best CROSS JOIN LATERAL (SELECT * FROM v1.op_queue q
                                   WHERE q.op = best.op AND q.program = best.program OFFSET 0) AS q
    ORDER BY best.score DESC, best.since_at, best.op, best.program
"""  # noqa: S608 - conditions of our own
