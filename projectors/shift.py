"""What a shift has to hand over: what happened since a time, what was done by hand, what waits for whoever comes next.

Done by hand is every request that nothing else caused: those of people at the command line, and of programs that act in
a person's name. Requests of workers, deadlines and senders all name their cause.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from projectors.op_waiting import programs_waiting

__all__ = ["shift"]

Row = dict[str, Any]

_HAPPENED = """
    SELECT machine, type, count(*) AS records, count(DISTINCT subject) AS subjects, min(time) AS first_at,
           max(time) AS last_at, min(subject) AS example
    FROM v1.ledger
    WHERE time >= :since AND time < :until AND NOT is_refusal
          AND (CAST(:stream AS text) IS NULL OR split_part(subject, '/', 1) = :stream)
    GROUP BY machine, type ORDER BY machine, records DESC, type
"""

_BY_HAND = """
    SELECT actor, CASE WHEN is_refusal THEN data ->> 'request' ELSE type END AS what, is_refusal, reason,
           count(DISTINCT subject) AS subjects, min(time) AS first_at, max(time) AS last_at, min(subject) AS example,
           count(*) OVER () AS kinds
    FROM v1.ledger
    WHERE time >= :since AND time < :until AND causationid IS NULL
          AND (CAST(:stream AS text) IS NULL OR split_part(subject, '/', 1) = :stream)
    GROUP BY 1, 2, 3, 4 ORDER BY first_at, actor, what LIMIT :most
"""

_PEOPLE = """
    SELECT actor, count(*) AS requests, count(*) FILTER (WHERE is_refusal) AS refused, min(time) AS first_at,
           max(time) AS last_at
    FROM v1.ledger
    WHERE time >= :since AND time < :until AND causationid IS NULL
          AND (CAST(:stream AS text) IS NULL OR split_part(subject, '/', 1) = :stream)
    GROUP BY actor ORDER BY first_at, actor LIMIT :most
"""

# What nobody has acknowledged; what came up before the shift is told apart from what came up in it.
_PROBLEMS = """
    SELECT stream, state, code, count(*) AS files, count(*) FILTER (WHERE since_at >= :since) AS since_then,
           count(*) FILTER (WHERE due_at IS NOT NULL) AS tried_again, min(since_at) AS oldest_at, min(file) AS example
    FROM v1.file
    WHERE state IN ('ERROR', 'INVALID') AND NOT is_acknowledged
          AND (CAST(:stream AS text) IS NULL OR stream = :stream)
    GROUP BY stream, state, code ORDER BY state, files DESC, stream, code LIMIT :most
"""

_WAITING = """
    SELECT stream, state, count(*) AS files, min(since_at) AS oldest_at,
           (array_agg(file ORDER BY since_at, file))[1] AS oldest
    FROM v1.file
    WHERE state IN ('QUEUED', 'PROCESSING', 'TRANSFERRING', 'TRANSFERRED')
          AND (CAST(:stream AS text) IS NULL OR stream = :stream)
    GROUP BY stream, state ORDER BY stream, oldest_at
"""

# Holds last until somebody ends them, so whoever comes next has to know of them.
_HELD = """
    SELECT 'stream' AS what, stream AS subject, held_at, held_reason AS reason FROM v1.stream
    WHERE held AND (CAST(:stream AS text) IS NULL OR stream = :stream)
    UNION ALL
    SELECT 'file', file, held_at, held_reason FROM v1.file
    WHERE is_held AND (CAST(:stream AS text) IS NULL OR stream = :stream)
    UNION ALL
    SELECT 'op', op, held_at, held_reason FROM v1.op WHERE is_held AND CAST(:stream AS text) IS NULL
    ORDER BY held_at LIMIT :most
"""

_GROUPS = """
    SELECT stream, kind, count(*) AS groups, sum(missing)::bigint AS missing, min(due_at) AS due_at,
           min(group_id) AS example
    FROM v1."group"
    WHERE missing > 0 AND state <> 'Complete' AND (is_due OR due_at < :until)
          AND (CAST(:stream AS text) IS NULL OR stream = :stream)
    GROUP BY stream, kind ORDER BY stream, kind LIMIT :most
"""

_PARKED = """
    SELECT stream, effect, last_code AS code, count(*) AS items, min(created_at) AS oldest_at, min(subject) AS example
    FROM work.item WHERE state = 'parked' AND (CAST(:stream AS text) IS NULL OR stream = :stream)
    GROUP BY 1, 2, 3 ORDER BY items DESC, 1, 2, 3 LIMIT :most
"""

_SILENT = """
    SELECT stream, each ->> 'purpose' AS purpose, CAST(each ->> 'since_at' AS timestamptz) AS since_at,
           CAST(each ->> 'last_at' AS timestamptz) AS last_at, CAST(each ->> 'every_s' AS float8) AS every_s
    FROM v1.stream, jsonb_array_elements(silences) AS each
    WHERE CAST(:stream AS text) IS NULL OR stream = :stream
    ORDER BY since_at, stream, purpose LIMIT :most
"""

_NOTES = """
    SELECT machine, subject, time, actor, data ->> 'text' AS note FROM v1.ledger
    WHERE type IN ('file.noted', 'op.noted', 'group.noted') AND time >= :since AND time < :until
          AND (CAST(:stream AS text) IS NULL OR split_part(subject, '/', 1) = :stream)
    ORDER BY time, subject LIMIT :most
"""

_FRESH = "SELECT max(last_event_at) FROM v1.freshness WHERE follower = 'projector'"

_MOST = 200


def shift(
    connection: Connection, *, since: datetime, until: datetime, stream: str | None = None, most: int = _MOST
) -> Row:
    """All of it; of what happened between the two times, and of what waits as it stands now. Lists are bounded."""
    where = {"since": since, "until": until, "stream": stream, "most": most}
    queries = {
        "people": _PEOPLE,
        "by_hand": _BY_HAND,
        "happened": _HAPPENED,
        "notes": _NOTES,
        "problems": _PROBLEMS,
        "waiting": _WAITING,
        "held": _HELD,
        "silent": _SILENT,
        "groups": _GROUPS,
        "parked": _PARKED,
    }
    found = {name: _rows(connection, query, where) for name, query in queries.items()}
    # Observing programs are of no one stream.
    found |= programs_waiting(connection) if stream is None else {}
    fresh_to = connection.scalar(text(_FRESH))
    return {"since": since, "until": until, "stream": stream, "fresh_to": fresh_to, **found}


def _rows(connection: Connection, query: str, where: Row) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), where).mappings()]
