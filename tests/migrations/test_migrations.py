"""Migrations lead any database to the tables of the code, whoever asks, and leave analysts the views alone."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, CursorResult, Engine, text
from sqlalchemy.exc import DBAPIError

from migrations import current, heads, upgrade
from migrations.analyst import ROLE
from migrations.authoring import differences
from migrations.sql_file import NoWayBackError
from projectors.database import SCHEMAS, make_engine
from projectors.views import VIEWS, make_views

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def engine(postgres: str) -> Iterator[Engine]:
    upgrade(postgres)  # a database that was copied has tables and views, but not its own rights
    engine = make_engine(postgres, "test")
    yield engine
    engine.dispose()


def test_an_empty_database_is_led_to_the_tables_of_the_code(empty_postgres):
    assert current(empty_postgres) == ()
    upgrade(empty_postgres)
    assert current(empty_postgres) == heads()
    wanted = "run python -m migrations revision URL MESSAGE on a database at head"
    assert differences(empty_postgres) == "", wanted


def test_there_is_one_revision_that_everybody_wants():
    assert len(heads()) == 1


def test_a_second_upgrade_changes_nothing(postgres, engine):
    with engine.connect() as connection:
        before = _catalogue(connection)
    upgrade(postgres)
    with engine.begin() as connection:
        assert _catalogue(connection) == before
        assert not make_views(connection)


def _catalogue(connection: Connection) -> list[tuple[object, ...]]:
    query = """
        SELECT n.nspname, c.relname, c.oid, c.relfilenode FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY(:schemas) ORDER BY 1, 2
    """
    rows = connection.execute(text(query), {"schemas": list(SCHEMAS)})
    return [tuple(row) for row in rows]


def upgraded_at_once(urls: list[str]) -> list[str]:
    """What went wrong when each of these was migrated by a process of its own, all at the same time."""
    command = [sys.executable, "-m", "migrations", "upgrade"]
    runs = [subprocess.Popen([*command, url], cwd=ROOT, stderr=subprocess.PIPE, text=True) for url in urls]
    said = [run.communicate()[1] for run in runs]
    return [words for run, words in zip(runs, said, strict=True) if run.returncode]


def test_several_processes_may_ask_at_once(empty_postgres):
    assert upgraded_at_once([empty_postgres] * 3) == []
    assert current(empty_postgres) == heads()


def test_databases_of_one_server_may_be_migrated_at_once(empty_postgres):
    """The role of analysts belongs to all of them."""
    free = make_engine(empty_postgres, "test").execution_options(isolation_level="AUTOCOMMIT")
    others = [f"{free.url.database}_{number}" for number in range(3)]
    with free.connect() as connection:
        for other in others:
            connection.exec_driver_sql(f'CREATE DATABASE "{other}"')
        urls = [free.url.set(database=other).render_as_string(hide_password=False) for other in others]
        wrong = upgraded_at_once(urls)
        for other in others:
            connection.exec_driver_sql(f'DROP DATABASE "{other}" WITH (FORCE)')
    free.dispose()
    assert wrong == []


def test_a_revision_leads_forward_only(postgres):
    from alembic import command

    from migrations import settings_for

    with pytest.raises(NoWayBackError, match="restore the database from a backup"):
        command.downgrade(settings_for(postgres), "base")


def test_every_module_that_makes_tables_is_known_to_the_migrations():
    makers = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("projectors", "consumers", "service")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\w+ = (\w+\(\s*)*(Table|position_table)\(", path.read_text(), re.MULTILINE)
    ]
    assert len(makers) > 12
    program = (
        f"import sys, migrations.tables; print([name for name in {makers!r} if name not in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_every_column_of_every_view_says_what_it_means(engine):
    query = """
        SELECT c.relname, a.attname, col_description(c.oid, a.attnum) AS says FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'v1'
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    """
    with engine.connect() as connection:
        rows = connection.execute(text(query)).all()
        views = (
            connection.execute(text("SELECT viewname FROM pg_views WHERE schemaname = 'v1'")).scalars().all()
        )
    assert [f"{row.relname}.{row.attname}" for row in rows if not row.says] == []
    assert sorted(views) == sorted(view.name for view in VIEWS)
    assert {
        "file", "file_version", "file_metadata", "file_timeline", "file_history", "refusal", "attempt", "stream",
        "l2_file", "qa_value", "warning", "ledger", "freshness", "op", "op_program", "op_dataset", "op_criterion",
        "op_staged", "op_attempt", "op_queue", "op_history", "responsibility", "group",
    } <= set(views)  # fmt: skip
    times = [row for row in rows if row.attname.endswith("_at") or row.attname == "time"]
    assert [row.attname for row in times if "UTC" not in row.says] == []


@pytest.mark.parametrize(
    ("ending", "unit"), [("_bytes", "bytes"), ("_s", "seconds"), ("_deg", "degrees"), ("_tai", "TAI")]
)
def test_a_column_with_a_unit_in_its_name_says_it_in_words(engine, ending, unit):
    query = """
        SELECT col_description(format('v1.%I', table_name)::regclass, ordinal_position::int)
        FROM information_schema.columns
        WHERE table_schema = 'v1' AND column_name LIKE :ending
    """
    with engine.connect() as connection:
        said = connection.scalars(text(query), {"ending": f"%\\{ending}"}).all()
    assert said
    assert [words for words in said if unit not in words] == []


def as_analyst(connection: Connection, statement: str) -> CursorResult[Any]:
    connection.exec_driver_sql(f"SET LOCAL ROLE {ROLE}")
    return connection.exec_driver_sql(statement)


def test_an_analyst_reads_every_view(engine):
    for view in VIEWS:
        with engine.begin() as connection:
            assert as_analyst(connection, f"SELECT * FROM v1.{view.name}").all() == []


FORBIDDEN = (
    "SELECT * FROM projection.file_version",
    "SELECT * FROM decider.snapshot",
    "SELECT * FROM work.item",
    "SELECT * FROM operations.l2_file",
    "INSERT INTO operations.l2_file (stream) VALUES ('x')",
    "UPDATE v1.l2_file SET stream = 'x'",
    "DELETE FROM v1.l2_file",
    "CREATE TABLE v1.mine (a int)",
    "CREATE TABLE public.mine (a int)",
    "CREATE TEMP TABLE mine (a int)",
    "CREATE SCHEMA mine",
    "SELECT * FROM pg_authid",
    "COPY (SELECT 1) TO PROGRAM 'true'",
)


def test_an_analyst_reads_nothing_else_and_writes_nothing(engine):
    for statement in FORBIDDEN:
        with engine.connect() as connection, pytest.raises(DBAPIError, match="permission denied"):
            as_analyst(connection, statement)


def test_an_analyst_may_log_in_once_there_is_a_password_and_never_asks_for_long(postgres, engine):
    with engine.connect() as connection:
        settings = connection.scalar(
            text("SELECT rolconfig FROM pg_roles WHERE rolname = :role"), {"role": ROLE}
        )
        assert {"statement_timeout=60s", "default_transaction_read_only=on"} <= set(settings or ())
        before = connection.scalar(
            text("SELECT rolcanlogin FROM pg_roles WHERE rolname = :role"), {"role": ROLE}
        )
    upgrade(postgres, analyst_password="it's a secret")
    url = engine.url.set(username=ROLE, password="it's a secret").render_as_string(hide_password=False)
    theirs = make_engine(url, "analyst")
    with theirs.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "1min"
        assert connection.scalar(text("SHOW transaction_read_only")) == "on"
        assert connection.execute(text("SELECT * FROM file")).all() == []
    theirs.dispose()
    if not before:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER ROLE {ROLE} NOLOGIN PASSWORD NULL")
