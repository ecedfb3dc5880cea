"""Facts of one batch that pass the same work: the last one says when it was closed, in whatever order they are told."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from consumers import deadlines, known_programs, work_items

BEGIN = datetime(2026, 11, 22, tzinfo=UTC)
FACTS = [(number, BEGIN + timedelta(seconds=number)) for number in (7, 9, 8)]
LAST = BEGIN + timedelta(seconds=9)
IDS = [str(UUID(int=number)) for number in (1, 2)]

in_any_order = pytest.mark.parametrize(
    "facts", [FACTS, FACTS[::-1], sorted(FACTS)], ids=["mixed", "turned", "sorted"]
)


@pytest.fixture
def connection(database: Engine):
    with database.connect() as connection:
        yield connection
        connection.rollback()


def owed(connection: Connection, lane: str, *, version: int | None = None, part: str | None = None) -> None:
    item = {
        "effect": "validate",
        "lane": lane,
        "subject": "s",
        "stream": "roman",
        "version": version,
        "part": part,
    }
    work_items.add(
        connection,
        [
            {**item, "event_id": each, "report_id": each, "sequence": 5, "created_at": BEGIN.isoformat()}
            for each in IDS
        ],
    )


def closed(connection: Connection, table: str) -> set[tuple[str, datetime]]:
    found = connection.execute(text(f"SELECT state, finished_at FROM work.{table}"))
    return {(row.state, row.finished_at) for row in found}


@in_any_order
def test_steps_of_a_version_are_stale_since_its_last_fact(connection: Connection, facts):
    owed(connection, "steps", version=1)
    assert work_items.supersede(connection, (("s", 1, *fact) for fact in facts)) == len(IDS)
    assert closed(connection, "item") == {("stale", LAST)}


@in_any_order
def test_work_on_a_part_is_stale_since_its_last_fact(connection: Connection, facts):
    owed(connection, "program", part="program:p1")
    assert known_programs.pass_parts(connection, (("s", "program:p1", *fact) for fact in facts)) == len(IDS)
    assert closed(connection, "item") == {("stale", LAST)}


@in_any_order
def test_deadlines_are_cancelled_by_the_last_fact_that_passes_them(connection: Connection, facts):
    due = {
        "request": "file.retry",
        "subject": "s",
        "version": 1,
        "due_sequence": 5,
        "due_at": LAST,
        "part": None,
    }
    deadlines.owe(
        connection, [{**due, "event_id": each, "request_id": each, "correlationid": None} for each in IDS]
    )
    versions = (1, None, 1)  # None: of every version
    passed = [
        ("s", version, None, "file.retry", *fact) for version, fact in zip(versions, facts, strict=True)
    ]
    assert deadlines.cancel(connection, passed) == len(IDS)
    assert closed(connection, "deadline") == {("cancelled", LAST)}
