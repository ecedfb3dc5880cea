"""Databases for single tests: fresh, dropped afterwards, copied from one migrated template where that is wanted."""

import fcntl
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from sqlalchemy.engine import make_url

TEMPLATE = "meridian_template"


@contextmanager
def empty(server: str, template: str = "template0") -> Iterator[str]:
    """A new database on the server of that address."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    _say(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield _named(server, name)
    finally:
        _say(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def migrated(server: str, folder: Path) -> Iterator[str]:
    """A new database with all tables and views; the first one who asks in this session pays for the migration."""
    template = _template(folder)
    with (folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "template"
        if not made.exists():
            forget_template(server, folder)
            _say(server, f'CREATE DATABASE "{template}" TEMPLATE template0')
            _migrate(_named(server, template))
            _close(server, template)
            made.touch()
    with empty(server, template) as address:
        yield address


def forget_template(server: str, folder: Path) -> None:
    """Drops the session's template, if it got as far as having one."""
    _say(server, f'DROP DATABASE IF EXISTS "{_template(folder)}" WITH (FORCE)')


def _template(folder: Path) -> str:
    return f"{TEMPLATE}_{folder.name.rsplit('-', 1)[-1].lower()}"


def _migrate(address: str) -> None:
    """As ``meridian up`` does it."""
    from migrations import upgrade

    upgrade(address)


def _close(server: str, template: str) -> None:
    """A database that somebody is connected to, if only by a forgotten pool, can't be copied."""
    _say(server, f'ALTER DATABASE "{template}" WITH ALLOW_CONNECTIONS false')
    _say(server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'")


def _named(server: str, database: str) -> str:
    return make_url(server).set(database=database).render_as_string(hide_password=False)


def _say(server: str, statement: str) -> None:
    address = make_url(server).set(drivername="postgresql", database="postgres")
    with closing(psycopg2.connect(address.render_as_string(hide_password=False))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
