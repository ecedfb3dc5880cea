"""One stream's night in figures: how its files stand, what went wrong, how long stages took, which checks failed.

A file belongs to the night in which its newest version was announced. Everything is counted in the database, so that
a night of a million files costs no more memory here than one of ten.
"""

from typing import Any

from sqlalchemy import Connection, text

from projectors.observing_night import Night

__all__ = ["figures"]

Row = dict[str, Any]

# A version that its stream did not allow was never queued: it came when it was found to be in conflict. The stream is
# compared so that its index is left alone: all that the stream ever had would be read there for the files of one night.
_NIGHT = """
    WITH night AS (
    SELECT file, version, state, code, failure_class, message, due_at, size_bytes, is_acknowledged, since_at
    FROM v1.file
    WHERE stream IS NOT DISTINCT FROM :stream AND ((queued_at >= :begin AND queued_at < :end)
                                OR (queued_at IS NULL AND since_at >= :begin AND since_at < :end)))
"""

_STATES = """
    SELECT state, count(*) AS files, sum(size_bytes)::bigint AS bytes, min(since_at) AS oldest_since_at
    FROM night GROUP BY state ORDER BY state
"""

_SUPERSEDED = """
    SELECT count(*) FROM v1.file_version
    WHERE stream IS NOT DISTINCT FROM :stream AND is_superseded AND queued_at >= :begin AND queued_at < :end
"""

# The file that is named is one that nobody has acknowledged, and what is said beside it is said of this file.
_CODES = """
    , counted AS (
        SELECT code, failure_class, count(*) FILTER (WHERE NOT is_acknowledged) AS files,
               count(*) FILTER (WHERE is_acknowledged) AS acknowledged,
               count(*) FILTER (WHERE due_at IS NOT NULL AND NOT is_acknowledged) AS tried_again,
               coalesce(min(file) FILTER (WHERE NOT is_acknowledged), min(file)) AS example
        FROM night WHERE code IS NOT NULL AND state <> 'DISMISSED'
        GROUP BY code, failure_class ORDER BY files DESC, code LIMIT :most
    )
    SELECT c.*, (SELECT f.message FROM v1.file f WHERE f.file = c.example) AS message
    FROM counted c ORDER BY c.files DESC, c.code
"""

# File by file: few have any, and otherwise all files' acknowledgements would be read.
_WARNINGS = """
    , counted AS (
        SELECT w.code, w.keyword, count(DISTINCT w.file) FILTER (WHERE NOT w.is_acknowledged) AS files,
               count(DISTINCT w.file) FILTER (WHERE w.is_acknowledged) AS acknowledged,
               coalesce(min(w.file) FILTER (WHERE NOT w.is_acknowledged), min(w.file)) AS example
        FROM night, LATERAL (
            SELECT * FROM v1.warning g WHERE g.file = night.file AND g.version = night.version OFFSET 0
        ) AS w WHERE w.withdrawn_at IS NULL
        GROUP BY w.code, w.keyword ORDER BY files DESC, w.code, w.keyword LIMIT :most
    )
    SELECT c.*, (
        SELECT w.message FROM v1.warning w
        WHERE w.file = c.example AND w.code = c.code AND w.keyword IS NOT DISTINCT FROM c.keyword
              AND w.withdrawn_at IS NULL ORDER BY w.version DESC, w.sequence DESC, w.ordinal LIMIT 1
    ) AS message FROM counted c ORDER BY c.files DESC, c.code, c.keyword
"""

_STAGE = (
    ("wait for a worker", "processing_at - queued_at"),
    ("read and check", "coalesce(validated_at, invalid_at) - processing_at"),
    ("copy to the archive", "transferred_at - transferring_at"),
    ("enter in the register", "complete_at - transferred_at"),
    ("all of it", "complete_at - queued_at"),
)
"""Each from when it could begin to when it was over."""

# Each column is put in order by itself: numbers alone, once.
_STAGES = """
    WITH file AS MATERIALIZED (
        SELECT file, {took} FROM v1.file_timeline
        WHERE stream IS NOT DISTINCT FROM :stream AND queued_at >= :begin AND queued_at < :end
    ), counted AS (SELECT {counted} FROM file)
    SELECT s.stage, s.files, s.p, s.longest_s, s.longest_of
    FROM counted, LATERAL (VALUES {told}) AS s (number, stage, files, p, longest_s, longest_of)
    WHERE s.files > 0 ORDER BY s.number
""".format(  # noqa: S608 - our own words
    took=", ".join(
        f"extract(epoch FROM {took})::float8 AS s{number}" for number, (_, took) in enumerate(_STAGE)
    ),
    counted=", ".join(
        f"count(s{n}) AS files{n}, max(s{n}) AS most{n},"
        f" percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY s{n}) AS p{n}"
        for n in range(len(_STAGE))
    ),
    told=", ".join(
        f"({n}, '{stage}', files{n}, p{n}, most{n}, (SELECT min(file) FROM file WHERE s{n} = most{n}))"  # noqa: S608
        for n, (stage, _) in enumerate(_STAGE)
    ),
)

_SLOWEST = """
    WITH slow AS (
        SELECT t.*, coalesce(t.complete_at, t.invalid_at, now()) - t.queued_at AS took FROM v1.file_timeline t
        WHERE t.stream IS NOT DISTINCT FROM :stream AND t.queued_at >= :begin AND t.queued_at < :end
              AND t.state NOT IN ('ERROR', 'DISMISSED')
        ORDER BY took DESC LIMIT :slowest
    )
    SELECT slow.file, slow.version, slow.state, extract(epoch FROM slow.took)::float8 AS seconds,
           s.stage, extract(epoch FROM s.took)::float8 AS stage_s
    FROM slow, LATERAL (
        SELECT stage, took FROM (VALUES
            ('wait for a worker', coalesce(slow.processing_at, now()) - slow.queued_at),
            ('read and check', coalesce(slow.validated_at, slow.invalid_at, now()) - slow.processing_at),
            ('copy to the archive', coalesce(slow.transferred_at, now()) - slow.transferring_at),
            ('enter in the register', coalesce(slow.complete_at, now()) - slow.transferred_at)
        ) AS named (stage, took)
        WHERE took IS NOT NULL ORDER BY took DESC LIMIT 1
    ) AS s ORDER BY slow.took DESC, slow.file
"""

# Of a file that was checked more than once, the last time counts. What was wanted is told of the file that is named.
_CHECKS = """
    , counted AS (
        SELECT q.check_name, q.level, count(DISTINCT q.file) AS files, q.unit, q.comparison,
               min(q.value) AS lowest, max(q.value) AS highest, min(q.file) AS example
        FROM night JOIN v1.qa_value q USING (file, version)
        WHERE q.passed IS FALSE AND q.attempt = (SELECT max(l.attempt) FROM v1.qa_value l
                                                 WHERE l.file = q.file AND l.version = q.version)
        GROUP BY q.check_name, q.level, q.unit, q.comparison
        ORDER BY array_position(ARRAY['critical', 'advisory', 'record-only'], q.level), files DESC, q.check_name
        LIMIT :most
    )
    SELECT c.*, own.threshold, own.threshold_text, own.message FROM counted c LEFT JOIN LATERAL (
        SELECT q.threshold, q.threshold_text, q.message FROM v1.qa_value q
        WHERE q.file = c.example AND q.check_name = c.check_name AND q.level = c.level AND q.passed IS FALSE
        ORDER BY q.version DESC, q.attempt DESC LIMIT 1
    ) AS own ON true
    ORDER BY array_position(ARRAY['critical', 'advisory', 'record-only'], c.level), c.files DESC, c.check_name
"""

# Asked of an empty night alone, which may be the wrong one: the last and the first time beside it that anything came.
_BESIDE = """
    SELECT max(queued_at) FILTER (WHERE queued_at < :begin) AS last_before,
           min(queued_at) FILTER (WHERE queued_at >= :end) AS first_after
    FROM v1.file_version WHERE stream IS NOT DISTINCT FROM :stream
"""

# What of the time of the work on them was spent waiting for services outside.
_LOOKUPS = """
    SELECT count(*) AS files, sum(a.lookup_s)::float8 AS seconds, max(a.lookup_s)::float8 AS longest_s,
           (sum(a.lookup_s) / nullif(sum(a.wall_s), 0))::float8 AS share,
           (array_agg(a.file ORDER BY a.lookup_s DESC, a.file))[1] AS longest_of
    FROM night JOIN v1.attempt a USING (file, version) WHERE a.lookup_s IS NOT NULL HAVING count(*) > 0
"""

_FRESH = "SELECT max(last_event_at) FROM v1.freshness WHERE follower = 'projector' AND machine = 'file'"

_MOST = 200

# Until the transaction ends: what belongs to a file is looked up for each, since the files of one night are few of all.
_ONE_BY_ONE = text("SELECT set_config('random_page_cost', '1.1', true)")


def figures(connection: Connection, stream: str, night: Night, *, slowest: int = 10) -> Row:
    """All of one stream's night; lists are of bounded length, the largest first."""
    connection.execute(_ONE_BY_ONE)
    where = {"stream": stream, "begin": night.begin, "end": night.end}
    states = _rows(connection, _NIGHT + _STATES, **where)
    return {
        "stream": stream,
        "night": night.day,
        "begin": night.begin,
        "end": night.end,
        "fresh_to": connection.scalar(text(_FRESH)),
        "states": states,
        "beside": None if states else _rows(connection, _BESIDE, **where)[0],
        "superseded_versions": connection.scalar(text(_SUPERSEDED), where),
        "errors": _rows(connection, _NIGHT + _CODES, **where, most=_MOST),
        "warnings": _rows(connection, _NIGHT + _WARNINGS, **where, most=_MOST),
        "stages": [_named(row) for row in _rows(connection, _STAGES, **where)],
        "lookups": _rows(connection, _NIGHT + _LOOKUPS, **where),
        "slowest": _rows(connection, _SLOWEST, **where, slowest=slowest),
        "failed_checks": _rows(connection, _NIGHT + _CHECKS, **where, most=_MOST),
    }


def _named(row: Row) -> Row:
    """The percentiles under names of their own."""
    median, p90, p99 = row.pop("p")
    return {**row, "median_s": median, "p90_s": p90, "p99_s": p99}


def _rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]
