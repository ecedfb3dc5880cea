"""What facts of observing programs oblige us to do, written out once more, part by part, for the audit."""

__all__ = ["OWED_TO_PROGRAMS"]

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
