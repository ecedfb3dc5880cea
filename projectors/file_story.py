"""All that is known of one file, gathered from the views and from the work that is noted for it."""

from typing import Any

from sqlalchemy import Connection, text

from projectors.manifest_entry import entry_of, standing_of

__all__ = ["gather", "whole"]

Row = dict[str, Any]

_HISTORY = 200

_FILE = """
    SELECT f.*, v.quarantine_bucket, v.quarantine_key FROM v1.file f JOIN v1.file_version v USING (file, version)
    WHERE f.file = :file
"""
_LEDGER = """
    SELECT * FROM v1.ledger WHERE machine = 'file' AND subject = :file ORDER BY sequence DESC LIMIT :limit
"""
_FAILED_CHECKS = """
    SELECT * FROM v1.qa_value WHERE file = :file AND version = :version AND attempt = :attempt
    AND passed IS FALSE ORDER BY level, check_name
"""
_WARNINGS = """
    SELECT * FROM v1.warning WHERE file = :file AND version = :version
    ORDER BY withdrawn_at IS NOT NULL, warned_at, ordinal
"""
_ATTEMPTS = """
    SELECT * FROM v1.attempt WHERE file = :file AND version = :version AND attempt <= :attempt
    ORDER BY attempt DESC LIMIT 1
"""
_STREAM = """
    SELECT s.*, jsonb_build_array(w.trust, t.latest) AS trust
    FROM v1.stream s LEFT JOIN work.stream w USING (stream) LEFT JOIN work.trust t USING (stream)
    WHERE s.stream = :stream
"""
_ITEMS = """
    SELECT effect, state, version, attempt, queued_at, due_at, lease_owner, lease_until, reported_at, last_code,
           last_error, parked_reason
    FROM work.item WHERE subject = :file AND lane = 'steps' AND state IN ('open', 'leased', 'reported', 'parked')
    ORDER BY sequence
"""
_GATE = "SELECT since, reason FROM work.gate ORDER BY since LIMIT 1"
_BREAKERS = "SELECT * FROM work.breaker WHERE dependency = ANY(:dependencies) ORDER BY since"
_QUEUE = """
    SELECT count(*) FILTER (WHERE i.state = 'open' AND (i.due_at IS NULL OR i.due_at <= now())
                              AND i.stream = mine.stream
                              AND (i.priority, i.queued_at) < (mine.priority, mine.queued_at)) AS ahead,
           count(*) FILTER (WHERE i.state = 'leased' AND i.lease_until > now()) AS busy
    FROM work.item i,
         (SELECT stream, priority, queued_at FROM work.item WHERE subject = :file AND lane = 'steps' AND state = 'open'
          ORDER BY sequence LIMIT 1) AS mine
    WHERE i.lane = 'steps' AND i.state IN ('open', 'leased')
"""
_WORKERS = """
    SELECT count(DISTINCT pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'meridian-worker'
"""
_ALIKE = "SELECT count(*) FROM v1.file WHERE stream = :stream AND state = 'ERROR' AND code = :code AND file <> :file"

_EFFECTS_NEED = {"transfer": "archive", "register": "register"}
"""As breakers are called. Everything needs the log, and all but the register need the stream's store."""


def gather(connection: Connection, file: str) -> dict[str, Any] | None:
    """What explains where a file stands, as the members of a story; None where nothing is known of it."""
    row = _one(connection, _FILE, file=file)
    if row is None:
        return None
    where = {"file": file, "version": row["version"], "attempt": row["attempt"]}
    items = _all(connection, _ITEMS, file=file)
    queue = _one(connection, _QUEUE, file=file) or {"ahead": 0, "busy": 0}
    effects = {str(item["effect"]) for item in items}
    stores = [f"store/{row['stream']}"] if effects - {"register"} else []
    dependencies = ["log", *stores, *(_EFFECTS_NEED.get(effect, "") for effect in effects)]
    return {
        "subject": file,
        "now": connection.scalar(text("SELECT now()")),
        "file": row,
        "history": tuple(_all(connection, _LEDGER, file=file, limit=_HISTORY)),
        "failed_checks": tuple(_all(connection, _FAILED_CHECKS, **where)),
        "warnings": tuple(_all(connection, _WARNINGS, file=file, version=row["version"])),
        "work": _one(connection, _ATTEMPTS, **where),
        "items": tuple(items),
        "stream": _one(connection, _STREAM, stream=row["stream"]),
        "gate": _one(connection, _GATE),
        "breakers": tuple(_all(connection, _BREAKERS, dependencies=dependencies)),
        "ahead": queue["ahead"],
        "busy": queue["busy"],
        "workers": connection.scalar(text(_WORKERS)) or 0,
        "alike": _alike(connection, row),
        "entry": entry_of(connection, file),
        "listing": tuple(_listing(connection, row)),
    }


def whole(connection: Connection, file: str) -> dict[str, Any]:
    """Every view's rows about a file."""
    queries = {
        "versions": "SELECT * FROM v1.file_version WHERE file = :file ORDER BY version DESC",
        "metadata": "SELECT * FROM v1.file_metadata WHERE file = :file ORDER BY version DESC",
        "attempts": "SELECT * FROM v1.attempt WHERE file = :file ORDER BY version DESC, attempt DESC",
        "checks": "SELECT * FROM v1.qa_value WHERE file = :file ORDER BY version DESC, attempt DESC, check_name, part",
        "warnings": "SELECT * FROM v1.warning WHERE file = :file ORDER BY sequence, ordinal",
        "previews": "SELECT * FROM v1.preview WHERE file = :file ORDER BY version DESC",
    }
    row = _one(connection, _FILE, file=file) or {"file": file}
    return {**row, **{name: _all(connection, query, file=file) for name, query in queries.items()}}


def _listing(connection: Connection, row: Row) -> list[Row]:
    """Of a manifest: how the files that it names stand."""
    return standing_of(connection, row["stream"], row["name"]) if row["role"] == "manifest" else []


def _alike(connection: Connection, row: Row) -> int:
    if row["state"] != "ERROR" or row.get("code") is None:
        return 0
    found = connection.execute(text(_ALIKE), {name: row[name] for name in ("stream", "code", "file")})
    return int(found.scalar_one())


def _one(connection: Connection, query: str, **values: Any) -> Row | None:
    row = connection.execute(text(query), values).mappings().one_or_none()
    return None if row is None else dict(row)


def _all(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]
