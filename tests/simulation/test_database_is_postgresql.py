"""One program, on tables in memory and on PostgreSQL: every table that means something is the same at the end."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, DateTime, text

from projectors.database import make_engine, metadata
from tests.simulation.machine import landing
from tests.simulation.site import KINDS, Site

TABLES = {
    "projection.ledger": "machine, partition, ledger_offset",
    "projection.file_status": "file",
    "projection.file_version": "file, version",
    "projection.attempt": "file, version, attempt",
    "projection.stream_status": "stream",
    "work.item": "event_id, effect",
    "work.deadline": "event_id",
    "work.version": "subject, version",
    "work.hold": "subject",
    "work.stream": "stream",
    "operations.l2_file": "subject, version",
    "projection.position": "follower, machine, partition",
    "work.position": "follower, machine, partition",
}
OWN_CLOCK = {
    "applied_at", "last_event_at", "reported_at", "lease_until", "since", "retry_at", "delivered_at", "finished_at",
    "due_at", "usage", "wall_s", "cpu_s", "peak_rss_bytes", "bytes_read", "log_tail", "chain", "data", "report",
    "payload",
}  # fmt: skip
"""Told by PostgreSQL's own clock, by a stopwatch, or by the chain over what a stopwatch told."""


def run(site: Site) -> None:
    """Files of every kind, taken as far as they go; operators, a hold, a conflict of leases, deadlines, a takeover."""
    names = ("roman/f1", "roman/f2", "roman/f3")
    for number, content in enumerate(("a", "bad", "gone", "b", "a")):
        name = names[number % 3]
        data = {"content": site.content(name, content), "witness": f"t/0/{number}", "stream_version": 1}
        site.ask("file.arrive", name, data, correlationid=f"e{number}")
    for kind in KINDS:
        for partition in (0, 1) if kind == "decider" else (0,):
            site.start(kind, partition)
    _rounds(site, 6)
    site.ask("file.hold", names[0], {}, reason="wait")
    site.ask("file.note", names[1], {"text": "tab\t, back\\slash, ‘quote’ and '"}, reason="seen")
    site.ask("file.embargo", names[1], {"until": "2026-11-21T07:00:00Z"}, reason="asked")
    site.ask("file.reprocess", names[1], {}, reason="again")
    site.start("projector")
    _rounds(site, 6)
    site.ask("file.unhold", names[0], {}, reason="go on")
    site.ask("file.redrive", names[2], {}, reason="again")
    _rounds(site, 10)


def _rounds(site: Site, count: int) -> None:
    for _ in range(count):
        for task in site.tasks():
            site.scheduler.proceed(task, 100_000)
        site.clock.now += timedelta(minutes=10)


def _plain(row: dict[str, Any], table: str) -> dict[str, Any]:
    columns = metadata.tables[table].columns
    return {
        column.name: _same(row.get(column.name), column)
        for column in columns
        if column.name not in OWN_CLOCK and not column.identity
    }


def _same(value: Any, column: Column[Any]) -> Any:
    """Times and ids are texts on one side and objects on the other."""
    if isinstance(column.type, DateTime) and isinstance(value, str):
        return datetime.fromisoformat(value)
    return str(value) if isinstance(value, UUID) else value


@pytest.mark.slow
def test_the_same_program_leaves_the_same_tables(postgres: str):
    engine = make_engine(postgres, "simulated", pool_size=20)
    real, simulated = Site(landing(), engine), Site(landing())
    try:
        run(real)
        run(simulated)
        for table, order in TABLES.items():
            with engine.connect() as connection:
                rows = connection.execute(text(f"SELECT * FROM {table} ORDER BY {order}")).mappings()
                found = [_plain(dict(row), table) for row in rows]
            keys = order.split(", ")
            wanted = [_plain(row, table) for row in simulated.database.rows(table)]
            for each in (found, wanted):
                each.sort(key=lambda row: tuple(row[key] for key in keys))
            for one, other in zip(found, wanted, strict=True):
                differ = {name: (one[name], other[name]) for name in one if one[name] != other[name]}
                assert not differ, f"{table} {[one[key] for key in keys]}: {differ}"
            assert wanted or table == "work.hold", f"{table} is empty: the program does not reach it"
    finally:
        real.end()
        simulated.end()
        engine.dispose()


def test_the_program_reaches_what_it_is_about():
    site = Site(landing())
    run(site)
    site.end()
    states = {
        (row["file"], row["version"]): row["state"] for row in site.database.rows("projection.file_version")
    }
    assert set(states.values()) >= {"COMPLETE", "INVALID", "ERROR"}, states
    assert {row["state"] for row in site.database.rows("work.item")} == {"done"}
    assert {row["state"] for row in site.database.rows("work.deadline")} == {"done"}
