"""Views of files: newest versions, all versions, what they say of themselves, the times of their stages, their work."""

from projectors.attempt import attempt
from projectors.file_metadata import file_metadata
from projectors.file_status import file_status
from projectors.file_version import file_version
from projectors.manifest_entry import manifest_entry
from projectors.preview import preview
from projectors.qa_value import qa_value
from projectors.view import View
from projectors.warning import warning

__all__ = ["FILE_VIEWS"]

FILE = View(
    "file",
    "One row a file: its newest version, and what concerns all of its versions.",
    """
    SELECT v.file, v.stream, s.name, v.state, v.since_at, v.version, s.best_version, v.attempt,
           v.code, v.failure_class, v.message, v.found, v.wanted, v.failed_from, v.due_at, v.tries_allowed,
           v.dismissed_code,
           COALESCE(s.acknowledged ? v.code
                    AND COALESCE((s.acknowledged #>> ARRAY[v.code, 'until'])::timestamptz > now(), true), false)
               AS is_acknowledged,
           s.acknowledged,
           COALESCE(s.is_held, false) AS is_held, s.held_reason, s.held_at,
           COALESCE(s.is_embargoed, false) AS is_embargoed, s.embargo_until, s.embargo_policy,
           s.pending, s.overtaken, s.sidecar, s.sidecar_due_at, s.note, s.noted_at,
           v.role, v.purpose, v.work_class, v.priority, v.stream_version, v.uri, v.witness, v.witnesses,
           COALESCE(v.size_bytes, v.announced_size_bytes) AS size_bytes,
           COALESCE(v.sha256, v.announced_sha256) AS sha256,
           v.media_type, v.identity, v.bucket, v.object_key, v.register_table, v.row_id,
           s.first_seen_at, v.queued_at, v.complete_at,
           v.sequence, v.event_id, v.partition, v.ledger_offset, v.correlationid,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.file_version v
    LEFT JOIN projection.file_status s ON s.file = v.file
    LEFT JOIN projection.tainted t ON t.machine = 'file' AND t.subject = v.file
    WHERE NOT v.is_superseded
    """,
    (file_version.table, file_status.table),
    {
        "version": "number of the newest version",
        "is_acknowledged": "an operator knows the code of the open problem, until a time that has not come yet",
        "acknowledged": "codes that an operator knows: {code: {until, at, by, reason}}; times in UTC",
        "size_bytes": "bytes; as read, before that as announced",
        "sha256": "hex; as read, before that as announced",
    },
)

FILE_VERSION = View(
    "file_version",
    "One row a version of a file: its state, its open problem, its content here and in the archive.",
    """
    SELECT v.file, v.version, v.stream, v.name, v.is_superseded, v.state, v.since_at, v.attempt,
           v.uri, v.announced_size_bytes, v.announced_sha256, v.modified_at, v.role, v.purpose, v.work_class,
           v.priority, v.stream_version, v.witness, v.witnesses, v.size_bytes, v.sha256, v.media_type,
           v.checks_version, v.identity, v.bucket, v.object_key, v.quarantine_bucket, v.quarantine_key,
           v.register_table, v.row_id, v.code, v.failure_class, v.message, v.found, v.wanted, v.failed_from,
           v.due_at, v.tries_allowed, v.dismissed_code, v.queued_at,
           v.sequence, v.event_id, v.partition, v.ledger_offset, v.correlationid,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.file_version v
    LEFT JOIN projection.tainted t ON t.machine = 'file' AND t.subject = v.file
    """,
    (file_version.table,),
)

FILE_TIMELINE = View(
    "file_timeline",
    "One row a version of a file, one column a stage: when it first passed it, so that differences are durations.",
    """
    SELECT v.file, v.version, v.stream, v.role, v.purpose, v.state, v.queued_at, v.processing_at, v.validated_at,
           v.transferring_at, v.transferred_at, v.complete_at, v.invalid_at, v.error_at, v.dismissed_at,
           v.since_at, v.attempt,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.file_version v
    LEFT JOIN projection.tainted t ON t.machine = 'file' AND t.subject = v.file
    """,
    (file_version.table,),
)

FILE_METADATA = View(
    "file_metadata",
    "One row a version of a file that was read: what it says of itself, typed; times in UTC and in TAI.",
    """
    SELECT m.file, m.version, m.attempt, m.instrument, m.exposure_id, m.visit_id, m.detector, m.filter,
           m.obs_start_utc, m.obs_end_utc, m.obs_start_tai, m.obs_end_tai, m.exposure_s, m.program, m.program_by,
           m.purpose, m.target, m.ra_deg, m.dec_deg, m.footprint, m.identity, m.media_type, m.header_fixes, m.extra,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.file_metadata m
    LEFT JOIN projection.tainted t ON t.machine = 'file' AND t.subject = m.file
    """,
    (file_metadata.table,),
)

ATTEMPT = View(
    "attempt",
    "One row an attempt at a version of a file: who worked on it, where, with what, at what cost, how it ended.",
    """
    SELECT a.file, a.version, a.attempt, a.worker, a.host, a.software_version, a.started_at, a.ended_at,
           a.outcome, a.code, a.wall_ms / 1000.0::float8 AS wall_s, a.cpu_ms / 1000.0::float8 AS cpu_s,
           a.peak_rss_bytes, a.bytes_read, a.bytes_written, a.lookup_ms / 1000.0::float8 AS lookup_s,
           a.lookup_ms::float8 / NULLIF(a.wall_ms, 0) AS lookup_share, a.exit, a.log_tail, a.log_object,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.attempt a
    LEFT JOIN projection.tainted t ON t.machine = 'file' AND t.subject = a.file
    """,
    (attempt.table,),
    {
        "wall_s": "elapsed time of its work, seconds to a millisecond",
        "cpu_s": "processor time of its work, seconds to a millisecond",
        "lookup_s": "of wall_s: waiting for outside services, seconds to a millisecond",
        "lookup_share": "lookup_s in parts of wall_s, from 0 to 1; NULL: no service was asked",
    },
)

QA_VALUE = View(
    "qa_value",
    "One row a result of a check: per version, attempt, check and part of the file.",
    """
    SELECT q.file, q.version, q.attempt, q.check_name, NULLIF(q.part, '') AS part, q.level, q.passed, q.value,
           q.value_text, q.unit, q.comparison, q.threshold, q.threshold_text, q.message, q.checks_version,
           q.stream_version, q.checked_at,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.qa_value q
    LEFT JOIN projection.tainted t ON t.machine = 'file' AND t.subject = q.file
    """,
    (qa_value.table,),
    {"part": "HDU, block or dataset looked at; NULL: the whole file"},
)

WARNING = View(
    "warning",
    "One row a warning about a version of a file: something unusual that changes no state.",
    """
    SELECT w.file, w.version, w.attempt, w.sequence, w.ordinal, w.code, w.message, w.keyword, w.found, w.wanted,
           w.warned_at,
           COALESCE(s.acknowledged ? w.code
                    AND COALESCE((s.acknowledged #>> ARRAY[w.code, 'until'])::timestamptz > now(), true), false)
               AS is_acknowledged,
           (over.told ->> 'at')::timestamptz AS withdrawn_at, over.told ->> 'because' AS withdrawn_because,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.warning w
    LEFT JOIN projection.file_status s ON s.file = w.file
    LEFT JOIN LATERAL (
        SELECT COALESCE(s.withdrawn -> concat(w.code, '/', w.version), s.withdrawn -> w.code) AS told
    ) AS over ON (over.told ->> 'sequence')::bigint > w.sequence
    LEFT JOIN projection.tainted t ON t.machine = 'file' AND t.subject = w.file
    """,
    (warning.table,),
    {
        "is_acknowledged": "an operator knows this code, until a time that has not come yet",
        "withdrawn_at": "UTC; since when it no longer holds; NULL: it does",
        "withdrawn_because": "why it no longer holds",
    },
)

PREVIEW = View(
    "preview",
    "One row a version of a file of which a picture was made; a file under embargo has no place to fetch it from.",
    """
    SELECT p.file, p.version,
           CASE WHEN s.is_embargoed THEN NULL ELSE p.bucket END AS bucket,
           CASE WHEN s.is_embargoed THEN NULL ELSE p.object_key END AS object_key,
           p.size_bytes, p.sha256, p.media_type, p.width_px, p.height_px, p.images, p.left_out, p.stretch,
           p.code, p.message, p.wall_s, p.peak_rss_bytes, p.made_at,
           COALESCE(s.is_embargoed, false) AS is_embargoed,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.preview p
    LEFT JOIN projection.file_status s ON s.file = p.file
    LEFT JOIN projection.tainted t ON t.machine = 'file' AND t.subject = p.file
    """,
    (preview.table, file_status.table),
)

MANIFEST_ENTRY = View(
    "manifest_entry",
    "One row a file that a manifest names, also one that never came: the sum it should have, and the one it has.",
    """
    SELECT m.file, m.stream, m.manifest, m.manifest_version, m.algorithm, m.sum, m.found, m.agrees, m.told_at,
           s.file IS NOT NULL AS has_come,
           CASE WHEN s.file IS NULL THEN 'missing' WHEN m.agrees THEN 'agrees' WHEN NOT m.agrees THEN 'differs'
                WHEN v.sha256 IS NULL THEN 'not read' ELSE 'not compared' END AS standing,
           t.subject IS NOT NULL AS is_tainted
    FROM projection.manifest_entry m
    LEFT JOIN projection.file_status s ON s.file = m.file AND s.versions IS NOT NULL
    LEFT JOIN projection.file_version v ON v.file = m.file AND v.version = s.versions
    LEFT JOIN projection.tainted t ON t.machine = 'file' AND t.subject = m.file
    """,
    (manifest_entry.table,),
    {
        "has_come": "somebody has announced it",
        "standing": "missing, not read, not compared (nobody takes this kind of sum), agrees or differs",
    },
)

FILE_VIEWS = (
    FILE, FILE_VERSION, FILE_TIMELINE, FILE_METADATA, ATTEMPT, QA_VALUE, WARNING, PREVIEW, MANIFEST_ENTRY,
)  # fmt: skip
