"""Views of records (the ledger, histories of files, refusals), of streams, of the L2 register, of freshness."""

from projectors.ledger import ledger
from projectors.positions import position
from projectors.registers import l2_file
from projectors.stream_status import stream_status
from projectors.view import View

__all__ = ["RECORD_VIEWS"]

LEDGER = View(
    "ledger",
    "All records of all machines, refusals included.",
    """
    SELECT l.machine, l.subject, l.sequence, l.time, l.type, l.fromstate, l.tostate, l.version, l.attempt,
           l.actor, l.reason, l.is_refusal, l.event_id, l.requestid, l.causationid, l.correlationid,
           l.partition, l.ledger_offset, l.ownerepoch, l.chain, l.data,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.ledger l
    LEFT JOIN projection.tainted t ON t.machine = l.machine AND t.subject = l.subject
    """,
    (ledger,),
)

FILE_HISTORY = View(
    "file_history",
    "One row a record in the life of a file, refusals included; order by file, sequence.",
    """
    SELECT l.subject AS file, l.sequence, l.time, l.type, l.fromstate, l.tostate, l.version, l.attempt, l.actor,
           l.reason, l.is_refusal, l.event_id, l.requestid, l.causationid, l.correlationid, l.partition,
           l.ledger_offset, l.data,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.ledger l
    LEFT JOIN projection.tainted t ON t.machine = l.machine AND t.subject = l.subject
    WHERE l.machine = 'file'
    """,
    (ledger,),
    {"file": "<stream>/<logical name>"},
)

REFUSAL = View(
    "refusal",
    "One row a request that was refused, with the reasons against it.",
    """
    SELECT l.machine, l.subject, l.sequence, l.time, l.data ->> 'request' AS request, l.data ->> 'code' AS code,
           l.data -> 'reasons' AS reasons, l.data -> 'allowed' AS allowed, l.tostate AS state, l.version,
           l.attempt, l.actor, l.reason, l.event_id, l.requestid, l.correlationid,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.ledger l
    LEFT JOIN projection.tainted t ON t.machine = l.machine AND t.subject = l.subject
    WHERE l.is_refusal
    """,
    (ledger,),
    {
        "request": "type of the request, such as file.retry",
        "code": "REFUSED, CONFLICT, ID_REUSED, TOO_LARGE, UNSTORABLE_TEXT, UNKNOWN_SUBJECT, INTERNAL …",
        "reasons": "JSON array of texts: what was found, what was wanted",
        "allowed": "JSON array: requests that the state allowed then",
        "state": "the state that the request met, and left as it was",
    },
)

STREAM = View(
    "stream",
    "One row a data stream: its state, and the configuration in force.",
    """
    SELECT s.stream, s.configuration ->> 'title' AS title, s.configuration ->> 'owner' AS owner, s.state,
           s.since_at, s.is_held AS held, s.held_reason, s.held_at, s.offline_until, s.fault, s.configuration_version,
           s.configured_at, s.configuration, s.silences, s.sequence, s.event_id, s.partition, s.ledger_offset,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.stream_status s
    LEFT JOIN projection.tainted t ON t.machine = 'stream' AND t.subject = s.stream
    """,
    (stream_status.table,),
    {
        "title": "what the stream is, in words",
        "owner": "who answers for it",
        "held": "no work on its files for now",
    },
)

L2_FILE = View(
    "l2_file",
    "The archive's own register of L2 files; written by the registrar, never rebuilt.",
    """
    SELECT r.row_id, r.stream, r.subject, r.version, r.bucket, r.key, r.size_bytes, r.sha256, r.archive_identity,
           r.instrument, r.obs_start_utc, r.registered_by_event
    FROM operations.l2_file r
    """,
    (l2_file,),
)

FRESHNESS = View(
    "freshness",
    "How far the views have read, one row a follower, machine and partition.",
    """
    SELECT p.follower, p.machine, p.partition, p.next_offset, p.last_event_at, p.applied_at
    FROM projection.position p
    """,
    (position,),
    {"machine": "file, identity, stream: which lifecycle", "partition": "partition of the ledger topic"},
)

RECORD_VIEWS = (LEDGER, FILE_HISTORY, REFUSAL, STREAM, L2_FILE, FRESHNESS)
