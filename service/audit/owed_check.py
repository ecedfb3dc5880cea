"""What facts oblige us to do, written out once more: each has its work item, as long as finished items are kept."""

# ruff: noqa: S608 - statements are put together from constants of this module

from typing import Any

from service.audit.findings import Offender, Tally
from service.audit.owed_programs import OWED_BY_STATE, OWED_DEADLINES, OWED_TO_PROGRAMS

__all__ = ["check_owed"]

# The table of obligations in the words of the ledger; up to where both projector and dispatch had come.
# Items are kept for seven days after they were finished, and never finished before their fact.
_OWED = """
    WITH owed AS (
        SELECT l.subject, l.event_id, l.type, l.partition, l.ledger_offset, e.effect
        FROM projection.ledger l
        JOIN projection.position v ON v.follower = 'projector' AND v.machine = l.machine AND v.partition = l.partition
        JOIN work.position d ON d.follower = 'dispatch' AND d.machine = l.machine AND d.partition = l.partition
        CROSS JOIN LATERAL unnest(CASE
            WHEN l.type = 'file.arrived' THEN ARRAY['ingest', 'answer']
            WHEN l.type IN ('file.conflicted', 'file.witnessed', 'file.deferred', 'file.rejected', 'file.registered')
                THEN ARRAY['answer']
            WHEN l.type = 'file.validated' AND l.tostate = 'TRANSFERRING' THEN ARRAY['transfer']
            WHEN l.type = 'file.transferred' THEN ARRAY['register']
            WHEN l.type = 'file.failed' AND l.data ->> 'due_at' IS NULL THEN ARRAY['answer']
            WHEN l.type = 'file.refused' AND l.data ->> 'request' = 'file.arrive' THEN ARRAY['answer']
            WHEN l.type IN ('file.retried', 'file.reprocessed', 'file.reopened')
                AND l.tostate IN ('QUEUED', 'PROCESSING') THEN ARRAY['ingest']
            WHEN l.type IN ('file.retried', 'file.reopened') AND l.tostate = 'TRANSFERRING' THEN ARRAY['transfer']
            WHEN l.type IN ('file.retried', 'file.reopened') AND l.tostate = 'TRANSFERRED' THEN ARRAY['register']
            WHEN l.type = 'stream.configured' THEN ARRAY['inbox']
            ELSE ARRAY[]::text[] END || CASE
            WHEN l.type IN ('file.validated', 'file.reopened') AND l.data -> 'brief' ? 'membership' THEN ARRAY['member']
            WHEN l.type IN ('file.registered', 'file.rejected', 'file.dismissed') AND l.data ? 'membership'
                THEN ARRAY['member']
            WHEN l.machine = 'group' AND NOT l.is_refusal AND l.fromstate IS DISTINCT FROM l.tostate
                AND l.tostate IN ('Complete', 'Closed short') AND l.data ->> 'kind' = 'dataset'
                AND l.data -> 'parents' ?& ARRAY['op', 'program', 'dataset', 'instrument'] THEN ARRAY['datasets']
            WHEN l.type = 'stream.configured' AND l.data -> 'configuration' ? 'programs' THEN ARRAY['policies']
            ELSE ARRAY[]::text[] END || CASE
            WHEN l.type = 'file.validated' AND l.data -> 'preview' = 'true' THEN ARRAY['preview']
            WHEN l.type = 'file.registered' AND l.data ? 'primaries' THEN ARRAY['pair']
            ELSE ARRAY[]::text[] END || CASE
            WHEN l.type = 'file.validated' AND l.data ? 'sums' THEN ARRAY['attest']
            ELSE ARRAY[]::text[] END) AS e (effect)
        WHERE l.time > now() - interval '6 days' AND l.ledger_offset < least(v.next_offset, d.next_offset))
    SELECT owed.subject, owed.event_id::text, owed.type, owed.partition, owed.ledger_offset, owed.effect,
           i.event_id IS NULL
    FROM owed LEFT JOIN work.item i ON i.event_id = owed.event_id AND i.effect = owed.effect
"""


def check_owed(connection: Any, site: str, tally: Tally) -> None:
    """Facts of the last six days without the item or deadline they oblige us to, and programs that wait for nothing."""
    for owed in (_OWED, OWED_TO_PROGRAMS, OWED_DEADLINES, OWED_BY_STATE):
        _check(connection, owed, site, tally)


def _check(connection: Any, owed: str, site: str, tally: Tally) -> None:
    cursor = connection.cursor()
    cursor.execute(
        f"SELECT count(*), count(*) FILTER (WHERE missing) FROM ({owed}) AS o (s, e, t, p, l, f, missing)"
    )
    looked, missing = cursor.fetchone()
    tally.looked("lost", looked)
    if not missing:
        return
    cursor.execute(f"SELECT * FROM ({owed}) AS o (s, e, t, p, l, f, missing) WHERE missing ORDER BY l")
    for subject, event_id, kind, partition, offset, effect, _ in cursor:
        found, wanted = f"{kind} without the work item {effect}", "one, open or done"
        position = f"{site}.{kind.replace(' ', '.').partition('.')[0]}.events/{partition}/{offset}"
        tally.found("lost", Offender(subject, found, wanted, position, event_id))
