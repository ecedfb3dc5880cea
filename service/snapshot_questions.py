"""What the decider's store is asked about a batch before it is decided, as SQL."""

__all__ = ["ALL_NOW", "KNOWN_NOW", "LOADED", "LOST", "WATERMARK_NOW"]

WATERMARK_NOW = """
SELECT next_offset, next_request, requests_topic_id, fold_version, owner_epoch
FROM decider.watermark WHERE machine = %s AND partition = %s"""
KNOWN_NOW = """
SELECT w.next_offset, w.next_request, w.requests_topic_id, w.fold_version, w.owner_epoch,
       o.record_id::text, o.request_digest
FROM (SELECT) AS once
LEFT JOIN decider.watermark w ON w.machine = %s AND w.partition = %s
LEFT JOIN decider.outcome o ON o.record_id = ANY(%s::uuid[])
"""
"""The watermark, and what is known of these records, seen at one moment."""
LOST = """
SELECT subject FROM unnest(%s) AS new (subject)
WHERE EXISTS (SELECT FROM projection.ledger l WHERE l.machine = %s AND l.subject = new.subject)"""
LOADED = "SELECT subject, state FROM decider.snapshot WHERE machine = %s AND subject = ANY(%s)"
ALL_NOW = """
SELECT w.next_offset, w.next_request, w.requests_topic_id, w.fold_version, w.owner_epoch,
       known.of, known.name, known.held, known.is_lost
FROM (SELECT) AS once
LEFT JOIN decider.watermark w ON w.machine = %(machine)s AND w.partition = %(partition)s
CROSS JOIN (
    SELECT 'subject' AS of, new.subject AS name, s.state AS held, s.state IS NULL AND EXISTS (
        SELECT FROM projection.ledger l WHERE l.machine = %(machine)s AND l.subject = new.subject) AS is_lost
    FROM unnest(%(subjects)s) AS new (subject)
    LEFT JOIN decider.snapshot s ON s.machine = %(machine)s AND s.subject = new.subject
    UNION ALL
    SELECT 'record', o.record_id::text, o.request_digest, false
    FROM decider.outcome o WHERE o.record_id = ANY(%(records)s::uuid[])
) AS known
"""
"""All of it at once and seen at one moment, for a few subjects: who waits for an answer waits for one round trip."""
