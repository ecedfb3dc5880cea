"""One migration of one database: a lock, the revisions, then views and the analysts' role as the code wants them."""

from typing import Any

from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from migrations.analyst import grant_views, make_role
from migrations.tables import metadata
from projectors.database import SCHEMAS, make_engine
from projectors.views import make_views

__all__ = ["COMPARED", "run"]

_LOCK = 0x4D65726964  # any number, as long as it is the same for all; held until the transaction ends

COMPARED: dict[str, Any] = {
    "target_metadata": metadata,
    "include_schemas": True,
    "include_name": lambda name, kind, _parents: kind != "schema" or name in SCHEMAS,
    "compare_type": True,
    "compare_server_default": True,
}
"""How the tables of the code and of a database are compared."""


def run(context: Any) -> None:
    """Called by Alembic's environment (the module ``alembic.context``), for all of its commands."""
    settings = context.config
    engine = make_engine(settings.get_main_option("sqlalchemy.url"), "meridian-migrations")
    try:
        with engine.connect() as connection:
            context.configure(connection=connection, **COMPARED)
            with context.begin_transaction():
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                context.run_migrations()
                _follow(connection, context, settings.attributes.get("analyst_password"))
    finally:
        engine.dispose()


def _follow(connection: Connection, context: EnvironmentContext, password: str | None) -> None:
    """Views and grants, where the tables are those of this code."""
    wanted = ScriptDirectory.from_config(context.config).get_heads()
    found = MigrationContext.configure(connection).get_current_heads()
    if not wanted or set(found) != set(wanted):
        return
    make_views(connection)
    if make_role(connection, password=password):
        grant_views(connection)
