"""What is asked of many rows is found by their keys, whatever the planner believes of tables that have just grown."""

import json

import pytest
from sqlalchemy import Connection, Engine, text

from consumers import claims, deadlines, dispatch, known_programs, work_items

SOME, MANY = 2_000, 20_000
ASKED = 300

ITEMS = """
    INSERT INTO work.item (event_id, effect, lane, subject, stream, sequence, work_class, priority, queued_at,
                           created_at, state, report_id, payload, part, lease_owner, lease_epoch)
    SELECT md5('e' || n)::uuid, 'qualify', 'judging', 'op' || n, '(programs)', 2, 'normal', 0, now(), now(), :state,
           md5('r' || n)::uuid, '{}', 'program:id.1', 'w', 1
    FROM generate_series(CAST(:first AS int), :last) AS n
"""
DATASETS = """
    INSERT INTO work.program_dataset (subject, dataset, program, told, is_gone, sequence)
    SELECT 'op' || n, 'd', 'id.1', '{}', false, 1 FROM generate_series(1, :last) AS n
"""
DEADLINES = """
    INSERT INTO work.deadline (event_id, request, subject, due_sequence, due_at, request_id, part, state)
    SELECT md5('e' || n)::uuid, 'op.quiet_due', 'op' || n, 1, now(), md5('r' || n)::uuid, 'program:id.1', :state
    FROM generate_series(CAST(:first AS int), :last) AS n
"""


@pytest.fixture
def connection(database: Engine):
    with database.connect() as connection:
        yield connection
        connection.rollback()


def plan(connection: Connection, statement, rows: str, **more: object) -> str:
    """How the statement would be carried out for rows that this query gives as JSON."""
    given = connection.execute(text(f"SELECT jsonb_agg(to_jsonb(g))::text FROM ({rows}) AS g")).scalar_one()
    assert len(json.loads(given)) == ASKED
    *settings, asked = statement.text.split("; ")
    for setting in settings:
        connection.execute(text(setting))
    lines = connection.execute(text("EXPLAIN " + asked), {"rows": given, **more}).scalars()
    return "\n".join(lines)


OF_LEASED = f"""
    SELECT event_id, effect, lease_owner, lease_epoch, '00' AS report FROM work.item
    WHERE state = 'leased' ORDER BY event_id LIMIT {ASKED}
"""


@pytest.mark.parametrize(
    "statement", [claims._MINE, claims._HEARTBEAT, claims._REPORTED, claims._GIVE_BACK, work_items._FINISH]
)
@pytest.mark.parametrize("finished", [0, SOME, MANY])
def test_items_under_lease_are_found_by_their_keys_where_few_were_leased_when_last_counted(
    connection, statement, finished
):
    connection.execute(text(ITEMS), {"state": "done", "first": 1, "last": finished})
    connection.execute(text("ANALYZE work.item"))
    connection.execute(text(ITEMS), {"state": "leased", "first": MANY + 1, "last": MANY + 500})
    found = plan(connection, statement, OF_LEASED, lease_s=15.0, at="2026-01-01T00:00:00Z")
    assert "Index Scan using item_key" in found
    assert "Seq Scan" not in found
    assert "item_leased" not in found


OF_UNFINISHED = f"""
    SELECT report_id, report_id AS request_id, subject, part, 'program:id.1' AS program, 'done' AS state,
           3 AS sequence, now() AS at, 'op.quiet_due' AS request FROM work.item WHERE state = 'open' LIMIT {ASKED}
"""


@pytest.mark.parametrize("counted", [False, True], ids=["never counted", "counted when all was done"])
@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (work_items._CLOSE, "item_by_report"),
        (known_programs._PASS, "item_in_order"),
        (deadlines._CLOSE, "deadline_asked"),
        (deadlines._CANCEL, "deadline_of_subject"),
    ],
)
def test_what_dispatch_closes_is_found_by_its_key_among_all_that_is_open(
    connection, statement, index, counted
):
    if counted:
        connection.execute(text(ITEMS), {"state": "done", "first": 1, "last": MANY})
        connection.execute(text(DEADLINES), {"state": "cancelled", "first": 1, "last": MANY})
        connection.execute(text("ANALYZE work.item, work.deadline"))
    connection.execute(text(ITEMS), {"state": "open", "first": MANY + 1, "last": MANY + 5000})
    connection.execute(text(DEADLINES), {"state": "waiting", "first": MANY + 1, "last": MANY + 5000})
    connection.execute(dispatch._BY_KEYS)
    found = plan(connection, statement, OF_UNFINISHED)
    assert f"Index Scan using {index}" in found
    assert "Join Filter" not in found, "all that is open is read for each row that is asked for"
    assert not {"Bitmap", "Hash", "Seq"}.intersection(found.split())


def test_deadlines_of_subjects_are_found_by_their_names_also_by_who_asks_for_few(connection):
    """Without the settings of dispatch, as the reconciler writes."""
    connection.execute(text(ITEMS), {"state": "open", "first": 1, "last": ASKED})
    connection.execute(text(DEADLINES), {"state": "waiting", "first": 1, "last": MANY})
    assert "Index Scan using deadline_of_subject" in plan(connection, deadlines._CANCEL, OF_UNFINISHED)


def test_datasets_of_programs_are_found_by_the_names_of_their_ops(connection):
    connection.execute(text(ITEMS), {"state": "open", "first": 1, "last": ASKED})
    connection.execute(text(DATASETS), {"last": MANY})
    found = plan(connection, known_programs._DATASETS, OF_UNFINISHED)
    assert "program_dataset_key" in found
    assert "Seq Scan" not in found
