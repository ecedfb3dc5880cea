"""A night's report reads the night's rows once, however much is counted of them (``FILES_OF_NIGHT``)."""

import os
import re
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, event, text

from projectors.observing_night import night_of
from projectors.stream_night import figures

FILES = int(os.environ.get("FILES_OF_NIGHT", "6000"))
NIGHT = night_of(datetime(2026, 11, 21, tzinfo=UTC), "utc")

# Half of them in the night before; of a hundred one is INVALID, one has a warning and a failed check.
FILL = (
    """
    INSERT INTO projection.file_version (file, version, stream, name, state, since_at, attempt, code, queued_at,
                                         processing_at, validated_at, complete_at, sequence, event_id, partition,
                                         ledger_offset)
    SELECT 'roman/f' || n, 1, 'roman', 'f' || n, CASE n % 100 WHEN 7 THEN 'INVALID' ELSE 'COMPLETE' END, q, 1,
           CASE n % 100 WHEN 7 THEN 'TRUNCATED' END, q, q + interval '1 s', q + interval '2 s' + n * interval '1 ms',
           q + interval '9 s', 1, gen_random_uuid(), 0, n
    FROM (SELECT n, timestamptz '2026-11-20' + n * interval '2 days' / :count AS q
          FROM generate_series(0, :count - 1) AS n) AS told
    """,
    "INSERT INTO projection.file_status (file, name) SELECT file, name FROM projection.file_version",
    """
    INSERT INTO projection.attempt (file, version, attempt, wall_ms, lookup_ms)
    SELECT file, 1, 1, 1000, ledger_offset % 50 FROM projection.file_version
    """,
    """
    INSERT INTO projection.warning (file, sequence, ordinal, version, attempt, code, message, warned_at)
    SELECT file, 1, 1, 1, 1, 'ODD', 'odd', queued_at FROM projection.file_version WHERE ledger_offset % 100 = 8
    """,
    """
    INSERT INTO projection.qa_value (file, version, attempt, check_name, part, level, passed, value, checked_at)
    SELECT file, 1, 1, 'seeing', '', 'advisory', ledger_offset % 100 <> 9, 1, queued_at FROM projection.file_version
    """,
    "ANALYZE projection.file_version, projection.attempt, projection.warning, projection.qa_value",
)


def test_the_nights_rows_are_read_once(engine: Engine):
    with engine.begin() as connection:
        for statement in FILL:
            connection.execute(text(statement), {"count": FILES})
    asked: list[tuple[str, dict]] = []
    with engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
        told = figures(connection, "roman", NIGHT)
        read = sum(_rows_read(connection, *each) for each in tuple(asked) if "set_config" not in each[0])
    in_night = FILES // 2
    assert {row["state"]: row["files"] for row in told["states"]} == {
        "COMPLETE": in_night * 0.99, "INVALID": in_night * 0.01,
    }  # fmt: skip
    assert [(row["code"], row["files"]) for row in told["errors"]] == [("TRUNCATED", in_night * 0.01)]
    assert [(row["code"], row["files"]) for row in told["warnings"]] == [("ODD", in_night * 0.01)]
    assert [(row["check_name"], row["files"]) for row in told["failed_checks"]] == [
        ("seeing", in_night * 0.01)
    ]
    [lookups] = told["lookups"]
    assert (lookups["files"], lookups["longest_s"]) == (in_night, 0.049)
    assert (round(lookups["seconds"], 6), round(lookups["share"], 6)) == (in_night * 0.0245, 0.0245)
    assert told["stages"][-1]["files"] == in_night
    assert in_night <= read <= 1.5 * in_night, "the rows of the night were read more than once"


def _rows_read(connection: Connection, statement: str, values: dict) -> float:
    """Rows that all steps on the table of versions gave."""
    plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN (ANALYZE) {statement}", values).scalars())
    steps = re.findall(r"Scan[^\n]* on file_version\b[^\n]*actual [^\n]*rows=([\d.]+) loops=(\d+)", plan)
    return sum(float(rows) * int(loops) for rows, loops in steps)
