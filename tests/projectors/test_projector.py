"""The laws of projection, on a real PostgreSQL."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from events.memory_log import MemoryLog
from projectors import PROJECTIONS
from projectors.follower import Follower, HaltError, LostPositionError
from projectors.ledger import ledger
from tests.projectors.histories import SHA, Desks, a_life, append, arrived, on_log, random_histories

TABLES = [ledger.name, *(projection.name for projection in PROJECTIONS), "tainted"]


def drain(follower: Follower) -> int:
    """Step until nothing comes."""
    count = 0
    while applied := follower.step(0.0):
        count += applied
    return count


def contents(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every read model, in an order of its own."""
    with engine.connect() as connection:
        return {
            name: list(connection.scalars(text(f"SELECT to_jsonb(t) FROM projection.{name} t ORDER BY to_jsonb(t)::text")))
            for name in TABLES
        }


def erase(engine: Engine) -> None:
    with engine.begin() as connection:
        names = ", ".join(f"projection.{name}" for name in [*TABLES, "position"])
        connection.execute(text(f"TRUNCATE {names}"))


def test_a_life_is_shown_from_announced_to_complete(engine, following):
    desks = Desks()
    a_life(desks)
    follower = following(on_log(desks.sealed))
    follower.take_over()
    assert drain(follower) == 5
    with engine.connect() as connection:
        file = connection.execute(text("SELECT * FROM v1.file")).mappings().one()
        times = connection.execute(text("SELECT * FROM v1.file_timeline")).mappings().one()
        attempt = connection.execute(text("SELECT * FROM v1.attempt")).mappings().one()
    assert (file["file"], file["stream"], file["name"]) == ("roman-wfi/r0001", "roman-wfi", "r0001")
    assert (file["state"], file["version"], file["best_version"], file["attempt"]) == ("COMPLETE", 1, 1, 1)
    assert file["bucket"] == "archive"
    assert file["code"] is None
    assert not file["is_tainted"]
    stages = ("queued", "processing", "validated", "transferring", "transferred", "complete")
    passed = [times[f"{stage}_at"] for stage in stages]
    assert passed == sorted(passed)
    assert (attempt["worker"], attempt["host"], attempt["outcome"]) == ("worker-1", "host-2", "COMPLETE")
    assert attempt["wall_s"] == pytest.approx(0.173)
    assert attempt["peak_rss_bytes"] == 2000
    assert attempt["log_tail"] == "a\tb\\c\nd"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), batch=st.integers(1, 40))
def test_rebuilt_rows_equal_live_rows_whatever_the_batches(engine, following, seed, batch):
    """Law 3: rows folded one event at a time equal rows folded in batches of any size."""
    log = on_log(random_histories(seed))
    found = []
    for size in (1, batch, 2000):
        erase(engine)
        follower = following(log, batch=size)
        follower.take_over()
        drain(follower)
        follower.close()
        found.append(contents(engine))
    assert found[0]["tainted"] == []
    assert len(found[0]["ledger"]) == 150
    assert found[0] == found[1] == found[2]
