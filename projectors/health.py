"""How a site stands, by its database: files by state, what waits longest, errors, halts, leases, positions."""

from typing import Any

from sqlalchemy import Connection, text

__all__ = ["database_health"]

Row = dict[str, Any]

_QUERIES = {
    "streams": """
        SELECT s.stream, s.state AS stream_state, s.held, s.silences,
               coalesce(jsonb_object_agg(c.state, c.files) FILTER (WHERE c.state IS NOT NULL), '{}') AS files,
               (SELECT jsonb_build_array(w.trust, t.latest) FROM work.stream w LEFT JOIN work.trust t USING (stream)
                WHERE w.stream = s.stream) AS trust
        FROM v1.stream s
        LEFT JOIN (SELECT stream, state, count(*) AS files FROM v1.file GROUP BY stream, state) c USING (stream)
        GROUP BY s.stream, s.state, s.held, s.silences ORDER BY s.stream
    """,
    "waiting": """
        SELECT DISTINCT ON (stream) file, stream, state, since_at FROM v1.file
        WHERE state IN ('QUEUED', 'PROCESSING', 'TRANSFERRING', 'TRANSFERRED') ORDER BY stream, since_at
    """,
    "problems": """
        SELECT stream, state, code, count(*) AS files, count(*) FILTER (WHERE due_at IS NOT NULL) AS tried_again,
               min(since_at) AS oldest
        FROM v1.file WHERE state IN ('ERROR', 'INVALID') AND NOT is_acknowledged
        GROUP BY stream, state, code ORDER BY state, files DESC, stream
    """,
    "senders": """
        SELECT sender, max(queued_at) AS last_sign FROM work.version
        WHERE sender IS NOT NULL AND queued_at IS NOT NULL GROUP BY sender ORDER BY sender
    """,
    "gates": "SELECT name, since, reason FROM work.gate ORDER BY since",
    "halts": "SELECT part, machine, partition, code, message, halted_at FROM decider.halt ORDER BY halted_at",
    "leases": """
        SELECT machine, partition, owner, owner_epoch, expires_at > now() AS is_alive, clock_ahead_s
        FROM decider.lease ORDER BY machine, partition
    """,
    "clock": """
        SELECT extract(epoch FROM max(last_event_at) - clock_timestamp())::float AS ledger_ahead_s
        FROM projection.position
    """,
    "positions": """
        SELECT follower, machine, partition, next_offset, last_event_at, applied_at FROM projection.position
        UNION ALL
        SELECT follower, machine, partition, next_offset, last_event_at, applied_at FROM work.position
    """,
    "work": "SELECT state, count(*) AS items, min(created_at) AS oldest FROM work.item "
    "WHERE state IN ('open', 'leased', 'reported', 'parked') GROUP BY state ORDER BY state",
    "breakers": "SELECT dependency, since, failures, retry_at, ramp, code, last_error FROM work.breaker ORDER BY since",
    "workers": """
        SELECT worker, host, seen_at, seen_at > now() - interval '30 s' AS is_alive, items, cpu_share,
               memory_free_bytes, memory_total_bytes, disks, pauses
        FROM work.worker ORDER BY worker
    """,
    "later": """
        SELECT last_code AS code, count(*) AS items, min(due_at) AS next_at, max(due_at) AS last_at FROM work.item
        WHERE state = 'open' AND due_at > now() GROUP BY last_code ORDER BY items DESC
    """,
    "deadlines": """
        SELECT request, count(*) AS deadlines, min(due_at) AS next_at, count(*) FILTER (WHERE due_at < now()) AS overdue
        FROM work.deadline WHERE state = 'waiting' GROUP BY request ORDER BY request
    """,
    "parked": """
        SELECT p.stream, p.effect, p.last_code AS code, count(*) AS items, min(p.created_at) AS oldest,
               coalesce(sum((SELECT count(*) FROM work.item b WHERE b.subject = p.subject AND b.lane = p.lane
                   AND b.sequence > p.sequence AND b.state IN ('open', 'leased', 'reported', 'parked'))), 0) AS behind
        FROM work.item p WHERE p.state = 'parked' GROUP BY 1, 2, 3 ORDER BY items DESC, 1, 2
    """,
    "rebuilds": "SELECT schema_name, kind, state, message FROM rebuild.target ORDER BY begun_at",
    "tainted": "SELECT machine, subject, error, since_at FROM projection.tainted ORDER BY since_at LIMIT 20",
}


def database_health(connection: Connection) -> dict[str, list[Row]]:
    """Rows by what they tell."""
    return {
        name: [dict(row) for row in connection.execute(text(query)).mappings()]
        for name, query in _QUERIES.items()
    }
