"""One check's values over the nights of a stream: how many files, how many failed, and how the values lie."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from projectors.observing_night import BEGINS_AFTER

__all__ = ["checks_of", "trend"]

Row = dict[str, Any]

# A file belongs to the night in which it was observed, if it tells, so that what an archive takes in at once does not
# fall on one night. Nothing is checked before it was observed: the time of the check bounds what has to be read.
_TREND = """
    SELECT night, count(*) AS files, count(value) AS values, count(*) FILTER (WHERE passed IS FALSE) AS failed,
           min(value) AS lowest, percentile_cont(ARRAY[0.1, 0.5, 0.9]) WITHIN GROUP (ORDER BY value) AS p,
           max(value) AS highest, min(unit) AS unit, min(comparison) AS comparison,
           min(threshold) AS threshold, min(threshold_text) AS threshold_text
    FROM (
        SELECT q.*, (COALESCE(m.obs_start_utc, q.checked_at) AT TIME ZONE 'UTC' - CAST(:begins_after AS interval))::date
               AS night
        FROM v1.qa_value q JOIN v1.file f ON f.file = q.file AND f.version = q.version
        LEFT JOIN v1.file_metadata m ON m.file = q.file AND m.version = q.version
        WHERE q.check_name = :check_name AND f.stream = :stream AND q.checked_at >= :since
              AND q.file >= :stream || '/' AND q.file < :stream || '0'
              AND COALESCE(m.obs_start_utc, q.checked_at) >= :since
              AND (CAST(:purpose AS text) IS NULL OR f.purpose = :purpose)
              AND q.attempt = (SELECT max(l.attempt) FROM v1.qa_value l
                               WHERE l.file = q.file AND l.version = q.version)
    ) AS judged
    GROUP BY night ORDER BY night
"""

_CHECKS = """
    SELECT check_name FROM v1.qa_value WHERE file >= :stream || '/' AND file < :stream || '0' AND checked_at >= :since
    GROUP BY check_name ORDER BY check_name
"""


def trend(
    connection: Connection, check: str, stream: str, *, rule: str, since: datetime, purpose: str | None = None
) -> list[Row]:
    """One row a night, the oldest first; ``rule`` is the stream's ``observing_day``. No values: no percentiles."""
    begins_after = f"{BEGINS_AFTER[rule].total_seconds():.0f} seconds"
    where = {"check_name": check, "stream": stream, "since": since, "purpose": purpose}
    found = connection.execute(text(_TREND), {**where, "begins_after": begins_after}).mappings()
    return [_named(dict(row)) for row in found]


def checks_of(connection: Connection, stream: str, *, since: datetime) -> list[str]:
    """The names of the checks that a stream has results of."""
    return list(connection.scalars(text(_CHECKS), {"stream": stream, "since": since}))


def _named(row: Row) -> Row:
    p10, median, p90 = row.pop("p") or (None, None, None)
    return {**row, "p10": p10, "median": median, "p90": p90}
