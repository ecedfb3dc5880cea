"""Lists of files by what they say of themselves read indexes, however many files there are (``FILES_TO_SEARCH``)."""

import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from projectors.file_filter import Filter, QaBound
from projectors.file_list import file_page
from projectors.sky import Box, Cone

FILES = int(os.environ.get("FILES_TO_SEARCH", "120000"))

# A survey: places in bands of declination, 18 detectors, 8 filters, visits of 180 files, one result in 20,000 bad.
FILL = (
    """
    INSERT INTO projection.file_version (file, version, stream, name, state, since_at, attempt, purpose, sequence,
                                         event_id, partition, ledger_offset)
    SELECT 'roman/f' || n, 1, 'roman', 'f' || n, 'COMPLETE', timestamptz '2026-11-21' - n * interval '1 s', 1,
           CASE WHEN n % 5000 = 0 THEN 'test' ELSE 'science' END, 1, gen_random_uuid(), 0, n
    FROM generate_series(1, :count) AS n
    """,
    (
        "INSERT INTO projection.file_status (file, name, versions)"
        " SELECT 'roman/f' || n, 'f' || n, 1 FROM generate_series(1, :count) AS n"
    ),
    """
    INSERT INTO projection.file_metadata (file, version, attempt, instrument, visit_id, detector, filter,
                                          obs_start_utc, program, ra_deg, dec_deg)
    SELECT 'roman/f' || n, 1, 1, 'WFI', 'v' || n / 180, 'WFI' || n % 18, 'F' || n / 18 % 8,
           timestamptz '2026-11-21' - n * interval '1 s', 'P' || n / 1000,
           (n * 0.618034 * 360)::numeric % 360, degrees(asin(((n * 0.7548777)::numeric % 2) - 1))
    FROM generate_series(1, :count) AS n
    """,
    """
    INSERT INTO projection.qa_value (file, version, attempt, check_name, part, level, value, checked_at)
    SELECT 'roman/f' || n, 1, 1, c, '', 'record-only',
           CASE WHEN n % 20000 = 7 THEN 100 ELSE (n * 0.618034)::numeric % 1 END, now()
    FROM generate_series(1, :count) AS n, unnest(ARRAY['seeing', 'background']) AS c
    """,
)


@pytest.fixture
def many(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        for statement in FILL:
            connection.execute(text(statement), {"count": FILES})
    with engine.connect() as connection:
        connection.execute(
            text(
                "ANALYZE projection.file_status, projection.file_version, projection.file_metadata,"
                " projection.qa_value"
            )
        )
        yield connection


SHARP = {
    "visit": Filter(visit="v7"),
    "nobody's visit": Filter(visit="none"),
    "nobody's detector": Filter(detector="WFI99"),
    "nobody's filter": Filter(filter="F999"),
    "nobody's program": Filter(program="P999"),
    "cone": Filter(at=Cone(266.4, -29.0, 0.2)),
    "cone at the pole": Filter(at=Cone(0.0, 90.0, 0.5)),
    "cone across 0 h": Filter(at=Cone(0.0, 10.0, 0.3)),
    "box": Filter(box=Box(359.9, -1.0, 0.1, 1.0)),
    "bad results": Filter(qa=(QaBound("seeing", ">", 50.0),)),
    "rare purpose": Filter(purpose="test"),
    "visit and detector": Filter(visit="v7", detector="WFI3"),
}
BROAD = {
    "everything": Filter(),
    "detector": Filter(detector="WFI3"),
    "detector and filter": Filter(detector="WFI3", filter="F2"),
}
LARGE = {
    "hemisphere": Filter(at=Cone(0.0, 0.0, 90.0)),
    "half the sky and a detector": Filter(box=Box(0.0, 0.0, 359.0, 90.0), detector="WFI3"),
    "half the sky, in a state": Filter(box=Box(0.0, 0.0, 359.0, 90.0), states=("COMPLETE",)),
    "names of a night long ago": Filter(name=f"f{FILES // 100}*"),
    "a program long ago": Filter(program=f"P{(FILES - 1) // 1000}"),
    "observed long ago": Filter(
        observed_until=datetime(2026, 11, 21, tzinfo=UTC) - timedelta(seconds=FILES - 1000)
    ),
    "good results": Filter(qa=(QaBound("seeing", "<", 0.5),)),
    "open problems": Filter(is_unacknowledged=True),
    "a code": Filter(codes=("TRUNCATED",)),
}


def test_no_list_reads_a_whole_table(many: Connection):
    asked: list[tuple[str, Any]] = []
    event.listen(many, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
    for name, wanted in {**SHARP, **BROAD, **LARGE}.items():
        asked.clear()
        began = time.monotonic()
        page = file_page(many, wanted, limit=10)
        took = time.monotonic() - began
        print(f"{name}: {len(page.files)} of {FILES} files in {1000 * took:.1f} ms")
        for statement, values in [each for each in asked if "v1.file" in each[0]]:
            plan = "\n".join(many.exec_driver_sql(f"EXPLAIN (ANALYZE) {statement}", values).scalars())
            if os.environ.get("PLANS"):
                print(plan)
            if name in SHARP:
                for table in ("file_version", "file_metadata", "qa_value", "file_status"):
                    assert f"Seq Scan on {table} " not in plan, (name, plan)
            if name in LARGE:
                assert _most_rows(plan) <= FILES / 3, (name, plan)


def _most_rows(plan: str) -> float:
    """Rows that the busiest step gave."""
    return max(
        float(rows) * int(loops) for rows, loops in re.findall(r"actual .*?rows=([\d.]+) loops=(\d+)", plan)
    )
