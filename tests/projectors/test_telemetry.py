"""The README's query that joins telemetry to files by time gives what it says, on real tables."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from tests.projectors.histories import SHA, Desks, a_life, on_log, validated

README = Path(__file__).resolve().parents[2] / "README.md"
TIMES = {
    "exposure_id": "e1",
    "obs_start_utc": "2026-11-21T05:00:00.000000Z",
    "obs_start_tai": "2026-11-21T05:00:37.000000",
    "obs_end_tai": "2026-11-21T05:01:37.000000",
}
# Time (TAI), temperature, wind. The second lies in the exposure if TAI is taken for UTC, and before it if it is not.
WEATHER = [
    ("2026-11-21 04:59:00", 9.0, 1.0),
    ("2026-11-21 05:00:30", 10.0, 50.0),
    ("2026-11-21 05:00:37", 11.0, 2.0),
    ("2026-11-21 05:01:36.9", 13.0, 3.0),
    ("2026-11-21 05:01:37", 99.0, 99.0),
]


def told_in_readme() -> str:
    told = README.read_text("utf-8").partition("<!-- telemetry -->")[2].partition("<!-- /telemetry -->")[0]
    return told.partition("```sql")[2].partition("```")[0].strip().removesuffix(";")


def test_telemetry_is_joined_by_tai(engine: Engine, following):
    desks = Desks()
    a_life(desks, "roman-wfi/no-times")
    where = {"version": 1, "attempt": 2}
    name = "roman-wfi/no-times"
    desks.ask("file", name, "reprocess", {"transfer": False}, reason="now with times")
    desks.ask("file", name, "start", {"worker": "w", "host": "h", "software_version": "1"}, **where)
    desks.ask("file", name, "validated", validated(SHA[0], **TIMES), **where)
    follower = following(on_log(desks.sealed))
    follower.take_over()
    while follower.step(0.0):
        pass
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA efd"))
        connection.execute(
            text(
                "CREATE TABLE efd.weather (time_tai timestamp PRIMARY KEY, dome_temp_c float8, wind_m_s float8)"
            )
        )
        for at, temperature, wind in WEATHER:
            connection.execute(
                text("INSERT INTO efd.weather VALUES (:at, :temperature, :wind)"),
                {"at": at, "temperature": temperature, "wind": wind},
            )
        (row,) = connection.execute(text(told_in_readme())).mappings()
    assert row["file"] == name
    assert (row["samples"], row["dome_temp_c"], row["wind_max_m_s"]) == (2, 12.0, 3.0)
    assert (row["dome_temp_before_c"], row["age_before"]) == (10.0, timedelta(seconds=7))
