"""The role of analysts: reads ``v1`` and nothing else, writes nothing, and never for long."""

import logging

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

__all__ = ["ROLE", "grant_views", "make_role"]

log = logging.getLogger(__name__)

ROLE = "meridian_analyst"

SETTINGS = {"statement_timeout": "60s", "default_transaction_read_only": "on", "search_path": "v1"}

_EXISTS = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)")
_SETTINGS = text("SELECT COALESCE(rolconfig, '{}') FROM pg_roles WHERE rolname = :role")

_CONNECTION_SAFE = "NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"

# Roles belong to the whole cluster: the migration of another database may be doing the same at this moment.
_CREATE = f"""
DO $$ BEGIN
    CREATE ROLE {ROLE} {_CONNECTION_SAFE};
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$
"""
_ALTER = """
DO $$ BEGIN
    ALTER ROLE {role} {change};
EXCEPTION WHEN internal_error THEN
    NULL; -- "tuple concurrently updated": the other one has made the same change
END $$
"""


def make_role(connection: Connection, *, password: str | None = None) -> bool:
    """The role, made if it is missing; with a password it may log in. False: we may not make roles here."""
    try:
        with connection.begin_nested():
            if not connection.scalar(_EXISTS, {"role": ROLE}):
                connection.exec_driver_sql(_CREATE)
            _configure(connection)
            if password is not None:
                _alter(connection, f"LOGIN PASSWORD {_quoted(password)}")
    except ProgrammingError as error:
        log.warning("role of analysts not made", extra={"role": ROLE, "error": str(error.orig)})
        return bool(connection.scalar(_EXISTS, {"role": ROLE}))
    return True


def grant_views(connection: Connection) -> None:
    """Let the role read the views, those of today and those to come, and leave it nothing else."""
    for schema in ("decider", "projection", "rebuild", "work", "operations"):
        connection.exec_driver_sql(f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {ROLE}")
    database = connection.scalar(text("SELECT quote_ident(current_database())"))
    for statement in (
        f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC, {ROLE}",
        f"GRANT CONNECT ON DATABASE {database} TO {ROLE}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA v1 TO {ROLE}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA v1 TO {ROLE}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA v1 GRANT SELECT ON TABLES TO {ROLE}",
    ):
        connection.exec_driver_sql(statement)


def _configure(connection: Connection) -> None:
    have = connection.scalar(_SETTINGS, {"role": ROLE}) or []
    for name, value in SETTINGS.items():
        if f"{name}={value}" not in have:
            _alter(connection, f"SET {name} = {_quoted(value)}")


def _alter(connection: Connection, change: str) -> None:
    connection.exec_driver_sql(_ALTER.format(role=ROLE, change=change))


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
