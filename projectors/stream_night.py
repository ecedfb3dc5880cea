"""One stream's night in figures: how its files stand, what went wrong, how long stages took, which checks failed.

A file belongs to the night in which its newest version was announced. Everything is counted in the database, so that
a night of a million files costs no more memory here than one of ten; and by one statement, for what takes longest is to
read the night's rows: that is done once.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from projectors.observing_night import Night

__all__ = ["figures"]

Row = dict[str, Any]

_STAGE = (
    ("wait for a worker", "processing_at - queued_at"),
    ("read and check", "coalesce(validated_at, invalid_at) - processing_at"),
    ("copy to the archive", "transferred_at - transferring_at"),
    ("enter in the register", "complete_at - transferred_at"),
    ("all of it", "complete_at - queued_at"),
)
"""Each from when it could begin to when it was over."""

# A version that its stream did not allow was never queued: it came when it was found to be in conflict. The stream is
# compared so that its index is left alone: all that the stream ever had would be read there for the files of one night.
_VERSIONS = """
    version_of_night AS MATERIALIZED (
        SELECT file, version, is_superseded, queued_at IS NOT NULL AS was_queued, state, code, failure_class, due_at,
               coalesce(size_bytes, announced_size_bytes) AS size_bytes, since_at, {took},
               coalesce(complete_at, invalid_at, now()) - queued_at AS waited
        FROM projection.file_version
        WHERE stream IS NOT DISTINCT FROM :stream
              AND ((queued_at >= :begin AND queued_at < :end)
                   OR (queued_at IS NULL AND NOT is_superseded AND since_at >= :begin AND since_at < :end))
    ), night AS (SELECT * FROM version_of_night WHERE NOT is_superseded)
""".format(  # noqa: S608 - our own words
    took=", ".join(f"date_part('epoch', {took}) AS s{number}" for number, (_, took) in enumerate(_STAGE))
)

_STATES = """
    SELECT state, count(*) AS files, sum(size_bytes)::bigint AS bytes, min(since_at) AS oldest_since_at
    FROM night GROUP BY state ORDER BY state
"""

_SUPERSEDED = "SELECT count(*) AS files FROM version_of_night WHERE is_superseded AND was_queued"

# The file that is named is one that nobody has acknowledged, and what is said beside it is said of this file. File by
# file: few have a problem, and otherwise all files' acknowledgements would be read.
_CODES = """
    SELECT c.*, (SELECT f.message FROM v1.file f WHERE f.file = c.example) AS message
    FROM (
        SELECT night.code, night.failure_class, count(*) FILTER (WHERE NOT is_acknowledged) AS files,
               count(*) FILTER (WHERE is_acknowledged) AS acknowledged,
               count(*) FILTER (WHERE due_at IS NOT NULL AND NOT is_acknowledged) AS tried_again,
               coalesce(min(file) FILTER (WHERE NOT is_acknowledged), min(file)) AS example
        FROM night, LATERAL (SELECT f.is_acknowledged FROM v1.file f WHERE f.file = night.file OFFSET 0) AS known
        WHERE night.code IS NOT NULL AND state <> 'DISMISSED'
        GROUP BY night.code, night.failure_class ORDER BY files DESC, night.code LIMIT :most
    ) AS c ORDER BY c.files DESC, c.code
"""

# Those of the night first, which are few; else all files' acknowledgements would be read.
_WARNED = """
    warned AS MATERIALIZED (
        SELECT g.file, g.sequence, g.ordinal FROM night JOIN projection.warning g USING (file, version))
"""
_WARNINGS = """
    SELECT c.*, (
        SELECT w.message FROM v1.warning w
        WHERE w.file = c.example AND w.code = c.code AND w.keyword IS NOT DISTINCT FROM c.keyword
              AND w.withdrawn_at IS NULL ORDER BY w.version DESC, w.sequence DESC, w.ordinal LIMIT 1
    ) AS message FROM (
        SELECT w.code, w.keyword, count(DISTINCT w.file) FILTER (WHERE NOT w.is_acknowledged) AS files,
               count(DISTINCT w.file) FILTER (WHERE w.is_acknowledged) AS acknowledged,
               coalesce(min(w.file) FILTER (WHERE NOT w.is_acknowledged), min(w.file)) AS example
        FROM warned, LATERAL (
            SELECT * FROM v1.warning g
            WHERE g.file = warned.file AND g.sequence = warned.sequence AND g.ordinal = warned.ordinal OFFSET 0
        ) AS w WHERE w.withdrawn_at IS NULL
        GROUP BY w.code, w.keyword ORDER BY files DESC, w.code, w.keyword LIMIT :most
    ) AS c ORDER BY c.files DESC, c.code, c.keyword
"""

# Each column is put in order by itself: numbers alone, once.
_TIMES = "counted AS MATERIALIZED (SELECT {counted} FROM version_of_night)".format(  # noqa: S608 - our own words
    counted=", ".join(
        f"count(s{n}) AS files{n}, max(s{n}) AS most{n},"
        f" percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY s{n}) AS p{n}"
        for n in range(len(_STAGE))
    )
)
_STAGES = """
    SELECT s.stage, s.files, s.p[1] AS median_s, s.p[2] AS p90_s, s.p[3] AS p99_s, s.longest_s, s.longest_of
    FROM counted, (SELECT {named} FROM version_of_night, counted) AS longest,
         LATERAL (VALUES {told}) AS s (number, stage, files, p, longest_s, longest_of)
    WHERE s.files > 0 ORDER BY s.number
""".format(  # noqa: S608 - our own words
    named=", ".join(f"min(file) FILTER (WHERE s{n} = most{n}) AS file{n}" for n in range(len(_STAGE))),
    told=", ".join(
        f"({n}, '{stage}', files{n}, p{n}, most{n}, file{n})" for n, (stage, _) in enumerate(_STAGE)
    ),
)

_SLOWEST = """
    SELECT slow.file, slow.version, t.state, date_part('epoch', slow.waited) AS seconds,
           s.stage, date_part('epoch', s.took) AS stage_s
    FROM (
        SELECT file, version, waited FROM version_of_night WHERE was_queued AND state NOT IN ('ERROR', 'DISMISSED')
        ORDER BY waited DESC LIMIT :slowest
    ) AS slow JOIN v1.file_timeline t USING (file, version), LATERAL (
        SELECT stage, took FROM (VALUES
            ('wait for a worker', coalesce(t.processing_at, now()) - t.queued_at),
            ('read and check', coalesce(t.validated_at, t.invalid_at, now()) - t.processing_at),
            ('copy to the archive', coalesce(t.transferred_at, now()) - t.transferring_at),
            ('enter in the register', coalesce(t.complete_at, now()) - t.transferred_at)
        ) AS named (stage, took)
        WHERE took IS NOT NULL ORDER BY took DESC LIMIT 1
    ) AS s ORDER BY slow.waited DESC, slow.file
"""

# Of a file that was checked more than once, the last time counts. What was wanted is told of the file that is named.
_CHECKS = """
    SELECT c.*, own.threshold, own.threshold_text, own.message FROM (
        SELECT q.check_name, q.level, count(DISTINCT q.file) AS files, q.unit, q.comparison,
               min(q.value) AS lowest, max(q.value) AS highest, min(q.file) AS example
        FROM night JOIN v1.qa_value q USING (file, version)
        WHERE q.passed IS FALSE AND q.attempt = (SELECT max(l.attempt) FROM v1.qa_value l
                                                 WHERE l.file = q.file AND l.version = q.version)
        GROUP BY q.check_name, q.level, q.unit, q.comparison
        ORDER BY array_position(ARRAY['critical', 'advisory', 'record-only'], q.level), files DESC, q.check_name
        LIMIT :most
    ) AS c LEFT JOIN LATERAL (
        SELECT q.threshold, q.threshold_text, q.message FROM v1.qa_value q
        WHERE q.file = c.example AND q.check_name = c.check_name AND q.level = c.level AND q.passed IS FALSE
        ORDER BY q.version DESC, q.attempt DESC LIMIT 1
    ) AS own ON true
    ORDER BY array_position(ARRAY['critical', 'advisory', 'record-only'], c.level), c.files DESC, c.check_name
"""

# What of the time of the work on them was spent waiting for services outside. Times are told in whole milliseconds, so
# that they are few: counted by them first, no file has to be put in order.
_LOOKUPS = """
    SELECT sum(files)::bigint AS files, (sum(files * lookup_ms) / 1000.0)::float8 AS seconds,
           (max(lookup_ms) / 1000.0)::float8 AS longest_s,
           (sum(files * lookup_ms) / nullif(sum(wall_ms), 0))::float8 AS share,
           (array_agg(file ORDER BY lookup_ms DESC))[1] AS longest_of
    FROM (
        SELECT a.lookup_ms, count(*) AS files, sum(a.wall_ms) AS wall_ms, min(a.file) AS file
        FROM night JOIN projection.attempt a USING (file, version) WHERE a.lookup_ms IS NOT NULL GROUP BY a.lookup_ms
    ) AS by_time HAVING count(*) > 0
"""

_PARTS = {
    "states": _STATES,
    "superseded": _SUPERSEDED,
    "errors": _CODES,
    "warnings": _WARNINGS,
    "stages": _STAGES,
    "lookups": _LOOKUPS,
    "slowest": _SLOWEST,
    "failed_checks": _CHECKS,
}
_ALL = f"WITH {_VERSIONS}, {_WARNED}, {_TIMES} SELECT " + ", ".join(  # noqa: S608 - our own words
    f"(SELECT coalesce(jsonb_agg(to_jsonb(part)), '[]') FROM ({query}) AS part) AS {name}"  # noqa: S608
    for name, query in _PARTS.items()
)

# Asked of an empty night alone, which may be the wrong one: the last and the first time beside it that anything came.
_BESIDE = """
    SELECT max(queued_at) FILTER (WHERE queued_at < :begin) AS last_before,
           min(queued_at) FILTER (WHERE queued_at >= :end) AS first_after
    FROM v1.file_version WHERE stream IS NOT DISTINCT FROM :stream
"""

_FRESH = "SELECT max(last_event_at) FROM v1.freshness WHERE follower = 'projector' AND machine = 'file'"

_MOST = 200

# Until the transaction ends: what belongs to a file is looked up for each, since the files of one night are few of all.
_ONE_BY_ONE = text("SELECT set_config('random_page_cost', '1.1', true), set_config('work_mem', '64MB', true)")


def figures(connection: Connection, stream: str, night: Night, *, slowest: int = 10) -> Row:
    """All of one stream's night; lists are of bounded length, the largest first."""
    connection.execute(_ONE_BY_ONE)
    where = {"stream": stream, "begin": night.begin, "end": night.end}
    (found,) = _rows(connection, _ALL, **where, most=_MOST, slowest=slowest)
    (superseded,) = found.pop("superseded")
    for row in found["states"]:  # JSON has no times
        row["oldest_since_at"] = datetime.fromisoformat(row["oldest_since_at"])
    return {
        "stream": stream,
        "night": night.day,
        "begin": night.begin,
        "end": night.end,
        "fresh_to": connection.scalar(text(_FRESH)),
        "beside": None if found["states"] else _rows(connection, _BESIDE, **where)[0],
        "superseded_versions": superseded["files"],
        **found,
    }


def _rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]
