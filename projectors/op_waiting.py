"""Which observing programs somebody has to see to: what failed in them, what is overdue, and which claims end."""

from typing import Any

from sqlalchemy import Connection, text

__all__ = ["programs_waiting"]

Row = dict[str, Any]

_QUERIES = {
    "programs": """
        SELECT state, count(*) AS ops, count(*) FILTER (WHERE is_held) AS held FROM projection.op_status
        WHERE state IS NOT NULL GROUP BY state ORDER BY state
    """,
    # What failed in a part of a published one leaves its state as it is, so it is asked for by what failed.
    "program_failures": """
        SELECT e.value ->> 'step' AS step, e.value ->> 'code' AS code, count(DISTINCT s.op) AS ops, count(*) AS parts,
               count(*) FILTER (WHERE e.value ->> 'due_at' IS NOT NULL) AS tried_again,
               min(CAST(e.value ->> 'at' AS timestamptz)) AS oldest_at, min(s.op) AS example
        FROM projection.op_status s, LATERAL jsonb_each(s.failures) e
        WHERE s.failures IS NOT NULL AND e.value <> 'null'::jsonb
        GROUP BY 1, 2 ORDER BY ops DESC, step, code LIMIT 50
    """,
    # The timers have told the owner, and after that the lead; until they come by, the time alone says it.
    "overdue": """
        SELECT s.overdue_to AS told_to, CASE s.overdue_to WHEN 'lead' THEN coalesce(s.lead, s.owner) ELSE s.owner END
                   AS who, count(*) AS ops, min(s.owner_due_at) AS due_at,
               (array_agg(s.op ORDER BY s.owner_due_at, s.op))[1] AS example
        FROM projection.op_status s
        WHERE s.owner IS NOT NULL AND s.state <> 'Published'
              AND (s.overdue_to IS NOT NULL OR s.owner_due_at <= now())
        GROUP BY 1, 2 ORDER BY due_at, who LIMIT 50
    """,
    "claims": """
        SELECT a.claimant, count(*) AS claims, count(*) FILTER (WHERE a.lease_warned IS NOT NULL) AS warned,
               min(a.lease_until) AS next_at, (array_agg(a.op ORDER BY a.lease_until, a.op))[1] AS next
        FROM projection.op_attempt a WHERE a.state = 'Working'
        GROUP BY a.claimant ORDER BY next_at, a.claimant LIMIT 50
    """,
}


def programs_waiting(connection: Connection) -> dict[str, list[Row]]:
    """Observing programs by state; failures by step and code; the overdue by whom they were told; claims by person."""
    return {
        name: [dict(row) for row in connection.execute(text(query)).mappings()]
        for name, query in _QUERIES.items()
    }
