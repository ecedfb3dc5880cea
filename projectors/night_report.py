"""How a set of files stands and how long their stages took: what a demo, a test or a report of a night asks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["archived_uris", "counts", "ends", "stages"]

Row = dict[str, Any]

_ENDS = "SELECT file, stream, state, code, version FROM v1.file WHERE file = ANY(:files)"

_COUNTS = """
    SELECT stream, state, count(*) AS files, min(since_at) AS oldest FROM v1.file
    WHERE CAST(:streams AS text[]) IS NULL OR stream = ANY(:streams)
    GROUP BY stream, state ORDER BY stream, state
"""

# Each stage from the time it could begin to the time it was over; what never got there is left out.
_STAGES = """
    WITH stage AS (
        SELECT file, version, name, seconds FROM v1.file_timeline, LATERAL (VALUES
            ('1 wait for a worker', extract(epoch FROM processing_at - queued_at)),
            ('2 read and check', extract(epoch FROM coalesce(validated_at, invalid_at) - processing_at)),
            ('3 copy to the archive', extract(epoch FROM transferred_at - transferring_at)),
            ('4 enter in the register', extract(epoch FROM complete_at - transferred_at)),
            ('5 all of it', extract(epoch FROM complete_at - queued_at))
        ) AS named (name, seconds)
        WHERE file = ANY(:files) AND seconds IS NOT NULL AND queued_at >= :since
    )
    SELECT substr(name, 3) AS stage, count(*) AS files,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_s,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95_s,
           max(seconds)::float8 AS longest_s,
           (array_agg(file ORDER BY seconds DESC))[1] AS longest_of
    FROM stage GROUP BY name ORDER BY name
"""


def ends(connection: Connection, files: Sequence[str]) -> list[Row]:
    """State, open problem and newest version of each of these files that is known."""
    return _rows(connection, _ENDS, files=list(files))


def archived_uris(connection: Connection, *, prefix: str) -> list[str]:
    """Where those files below a place were announced that are COMPLETE by now."""
    query = "SELECT uri FROM v1.file WHERE state = 'COMPLETE' AND starts_with(uri, :prefix)"
    return [str(row["uri"]) for row in _rows(connection, query, prefix=prefix)]


def counts(connection: Connection, streams: Sequence[str] | None = None) -> list[Row]:
    """Files by stream and state, with the time of the oldest."""
    return _rows(connection, _COUNTS, streams=None if streams is None else list(streams))


def stages(connection: Connection, files: Sequence[str], *, since: datetime) -> list[Row]:
    """Seconds that each stage of these files took, for what was queued since then."""
    return _rows(connection, _STAGES, files=list(files), since=since)


def _rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]
