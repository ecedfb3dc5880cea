"""What facts and states of observing programs oblige us to do, written out once more, part by part, for the audit."""

__all__ = ["OWED_BY_STATE", "OWED_DEADLINES", "OWED_TO_PROGRAMS"]

# A fact about several instrument programs obliges to an item for each; the items name the fact as their cause.
OWED_TO_PROGRAMS = """
    WITH owed AS (
        SELECT l.subject, l.event_id, l.type, l.partition, l.ledger_offset, e.effect, e.part
        FROM projection.ledger l
        JOIN projection.position v ON v.follower = 'projector' AND v.machine = l.machine AND v.partition = l.partition
        JOIN work.position d ON d.follower = 'dispatch' AND d.machine = l.machine AND d.partition = l.partition
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN l.type IN ('op.discovered', 'op.datasets_changed')
                    AND CAST(p #>> '{cover,datasets}' AS int) > 0 THEN 'readiness'
                WHEN l.type = 'op.readiness_closed' THEN 'qualify'
                WHEN l.type = 'op.requalified' AND CAST(p ->> 'is_ready' AS boolean) THEN 'qualify'
                WHEN l.type = 'op.requalified' THEN 'readiness'
                WHEN l.type = 'op.judged' AND p ->> 'state' = 'Invertible' THEN 'preprocess'
                END AS effect, 'program:' || (p ->> 'program') AS part
            FROM jsonb_array_elements(coalesce(l.data -> 'programs', '[]')) AS p
            UNION ALL
            SELECT CASE
                WHEN l.type = 'op.handed_in' THEN 'verify'
                WHEN l.type = 'op.publishing' THEN 'package'
                WHEN l.type = 'op.step_done' AND NOT l.data -> 'steps_done' ? 'archive' THEN 'archive'
                WHEN l.type = 'op.step_done' AND NOT l.data -> 'steps_done' ? 'announce' THEN 'announce'
                WHEN l.type = 'op.step_done' AND NOT l.data -> 'steps_done' ? 'cite' THEN 'cite'
                WHEN l.type = 'op.step_done' THEN 'publish'
                WHEN l.type = 'op.withdrawing' THEN 'withdraw'
                WHEN l.type IN ('op.embargoed', 'op.embargo_lifted') THEN 'unveil'
                END, 'attempt:' || l.attempt
            UNION ALL
            SELECT CASE
                WHEN l.type = 'op.claimed' AND CAST(l.data ->> 'restage' AS boolean) THEN 'preprocess'
                END, 'program:' || (l.data ->> 'program')
            UNION ALL
            SELECT CASE WHEN l.type = 'op.unstaging' THEN 'unstage' END, 'staged:' || (l.data ->> 'program')
            UNION ALL
            SELECT l.data ->> 'step', l.data ->> 'part'
            WHERE l.type = 'op.recovered' AND (
                l.data ->> 'step' IN ('readiness', 'qualify')
                OR l.data ->> 'step' IN ('preprocess', 'verify', 'package', 'archive', 'announce', 'cite', 'publish',
                    'withdraw') AND NOT coalesce(CAST(l.data ->> 'superseded' AS boolean), false))
        ) AS e
        WHERE l.machine = 'op' AND e.effect IS NOT NULL AND l.time > now() - interval '6 days'
            AND l.ledger_offset < least(v.next_offset, d.next_offset))
    SELECT owed.subject, owed.event_id::text, owed.type, owed.partition, owed.ledger_offset, owed.effect,
           i.event_id IS NULL
    FROM owed LEFT JOIN work.item i ON i.subject = owed.subject AND i.effect = owed.effect AND i.part = owed.part
        AND i.payload ->> 'cause' = owed.event_id::text
"""

# A fact that names a time obliges to a deadline, which stays as long as a finished item does.
OWED_DEADLINES = """
    SELECT l.subject, l.event_id::text, l.type, l.partition, l.ledger_offset, 'deadline', t.event_id IS NULL
    FROM projection.ledger l
    JOIN projection.position v ON v.follower = 'projector' AND v.machine = l.machine AND v.partition = l.partition
    JOIN work.position d ON d.follower = 'dispatch' AND d.machine = l.machine AND d.partition = l.partition
    LEFT JOIN work.deadline t ON t.event_id = l.event_id
    WHERE (l.machine IN ('op', 'group') AND NOT l.is_refusal AND l.data ->> 'due_at' IS NOT NULL
            OR l.machine = 'file' AND l.type = 'file.arrived' AND l.data -> 'pairing' ? 'due_at')
        AND l.time > now() - interval '6 days' AND l.ledger_offset < least(v.next_offset, d.next_offset)
"""

# However old the fact: a part that stands where work is awaited has some that is not finished, or has failed. Looked at
# where view and dispatch have come equally far, so that neither knows of a fact that the other does not.
OWED_BY_STATE = """
    WITH part AS (
        SELECT op, 'program:' || program AS part, state FROM projection.op_program
        WHERE state = 'Invertible' OR (state = 'Discovered' AND is_ready AND datasets > 0)
        UNION ALL
        SELECT op, 'attempt:' || attempt, state FROM projection.op_attempt
        WHERE state IN ('HandedIn', 'Publishing', 'Withdrawing'))
    SELECT s.op, s.event_id::text, 'op in ' || part.state, s.partition, s.ledger_offset, 'for ' || part.part,
           NOT EXISTS (SELECT FROM work.item i WHERE i.subject = s.op AND i.part = part.part
                       AND i.state IN ('open', 'leased', 'reported', 'parked'))
    FROM part
    JOIN projection.op_status s ON s.op = part.op
    JOIN projection.position v ON v.follower = 'projector' AND v.machine = 'op' AND v.partition = s.partition
    JOIN work.position d ON d.follower = 'dispatch' AND d.machine = 'op' AND d.partition = s.partition
        AND d.next_offset = v.next_offset
    LEFT JOIN projection.tainted t ON t.machine = 'op' AND t.subject = s.op
    WHERE COALESCE(s.failures -> part.part, 'null') = 'null' AND t.subject IS NULL
"""
