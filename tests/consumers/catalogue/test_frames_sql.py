"""Our own frames as PostgreSQL gives them: the best version of each, by dataset, and which datasets still grow."""

from datetime import timedelta

import orjson
import pytest
from sqlalchemy import text

from consumers.catalogue.file_view import FileView
from consumers.catalogue.frames_sql import frames_of
from consumers.catalogue.look import Look
from projectors.database import make_engine
from tests.consumers.catalogue.test_file_view import T0, a_frame

_FRAME = text("""
    WITH v AS (
        INSERT INTO projection.file_version
            (file, version, stream, name, state, since_at, attempt, role, size_bytes, sequence, event_id, partition,
             ledger_offset)
        VALUES (:file, :version, :stream, :file, 'COMPLETE', now(), 1, :role, 100, 1, gen_random_uuid(), 0, :number)),
    s AS (
        INSERT INTO projection.file_status (file, best_version, is_embargoed, embargo_until)
        VALUES (:file, :best, :is_embargoed, :until) ON CONFLICT DO NOTHING)
    INSERT INTO projection.file_metadata (file, version, attempt, obs_start_utc, obs_end_utc, extra)
    VALUES (:file, :version, 1, :begin, :end, CAST(:extra AS jsonb))
""")

_GROUP = text("""
    INSERT INTO projection.group_status
        (group_id, stream, state, since_at, sequence, event_id, partition, ledger_offset)
    VALUES (:group_id, 'dkist', :state, now(), 1, gen_random_uuid(), 0, 0)
""")


@pytest.fixture
def frames(postgres):
    engine = make_engine(postgres, "test")
    with engine.begin() as connection:

        def put(dataset, n, *, version=1, best=1, stream="dkist", role="primary", until=None, **keywords):
            row = a_frame(dataset, n, **keywords)
            connection.execute(
                _FRAME,
                {
                    "file": f"{stream}/{dataset}_{n:03d}", "version": version, "best": best, "stream": stream,
                    "role": role, "number": n, "is_embargoed": until is not None, "until": until,
                    "begin": row["obs_start_utc"], "end": row["obs_end_utc"],
                    "extra": orjson.dumps(row["extra"]).decode(),
                },
            )  # fmt: skip

        yield connection, put, engine
    engine.dispose()


def test_a_stream_s_best_frames_become_one_record_a_dataset(frames):
    connection, put, engine = frames
    for n in range(12):
        put("BBB", n, until=T0 + timedelta(days=n) if n == 7 else None)
        put("AAA", n)
    put("AAA", 0, version=2, AO_LOCK=False)  # resent, and not yet the best
    put("AAA", 50, best=None)  # read, and not in the archive
    put("AAA", 60, role="sidecar")
    put("AAA", 70, stream="dkist-2")
    put("CCC", 1)
    for group, state in {"AAA": "Complete", "BBB": "Closed short", "CCC": "Open"}.items():
        connection.execute(_GROUP, {"group_id": f"dkist/{group}", "state": state})
    connection.commit()
    look = Look()
    found = {each.raw["datasetId"]: each for each in FileView(frames_of(engine, "dkist")).records(look)}
    assert {name: each.raw["frameCount"] for name, each in found.items()} == {"AAA": 12, "BBB": 12, "CCC": 1}
    assert {name: each.is_arriving for name, each in found.items()} == {
        "AAA": False, "BBB": False, "CCC": True,
    }  # fmt: skip
    assert look.is_whole
    assert (found["AAA"].raw["aoLocked"], found["AAA"].raw["isEmbargoed"]) == (12, False)
    assert found["BBB"].raw["embargoEndDate"] == (T0 + timedelta(days=7)).isoformat(timespec="microseconds")
    assert len(list(frames_of(engine, "dkist")())) == 25, "asked again it reads again"
