"""Making the schema of a target, its indexes, the views of a moment of the past, and dropping all of it again."""

import re
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.schema import CreateIndex, CreateTable, SetColumnComment

from projectors.fold_version import forget_folding
from projectors.read_models import ReadModels
from projectors.rebuild_targets import Target, forget
from projectors.view import View, make_view
from projectors.views import VIEWS

__all__ = ["drop_target", "finish_tables", "make_past_views", "make_tables", "views_of"]

_DIALECT = dialect()  # type: ignore[no-untyped-call]
_ANALYST = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'meridian_analyst')")


def make_tables(connection: Connection, models: ReadModels) -> None:
    """The schema and its tables, with their keys; other indexes come when they are filled."""
    connection.exec_driver_sql(f"CREATE SCHEMA {models.schema}")
    for table in models.tables:
        connection.exec_driver_sql(str(CreateTable(table).compile(dialect=_DIALECT)))
        for column in table.columns:
            if column.comment:
                connection.exec_driver_sql(str(SetColumnComment(column).compile(dialect=_DIALECT)))


def finish_tables(engine: Engine, models: ReadModels) -> None:
    """What filled tables need to be queried: indexes, statistics, and no vacuum in the way of a swap soon after."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in models.tables:
            for index in sorted(table.indexes, key=lambda each: str(each.name)):
                made = str(CreateIndex(index, if_not_exists=True).compile(dialect=_DIALECT))
                connection.exec_driver_sql(made)
            connection.exec_driver_sql(f"VACUUM (ANALYZE) {table.fullname}")


def make_past_views(connection: Connection, target: Target, until: datetime) -> str:
    """Views as those of ``v1`` over this moment's tables; the name of their schema. Analysts may read them."""
    schema = f"v1_{target.schema_name}"
    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    kept = {*target.tables, "tainted", "position"}
    for view in VIEWS:
        read = set(_read(view))
        if read and read <= kept:
            # "Still acknowledged" means: at that moment.
            then = re.sub(r"\bnow\(\)", f"'{until.isoformat()}'::timestamptz", view.select)
            past = View(view.name, view.comment, then, view.tables, view.says)
            make_view(connection, past, schema=schema, projection=target.schema_name)
    if connection.scalar(_ANALYST):
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO meridian_analyst")
        connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO meridian_analyst")
    return schema


def drop_target(connection: Connection, schema: str) -> None:
    """The schema, its views and what is noted of it; fails within the lock timeout while somebody reads it."""
    connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS v1_{schema} CASCADE")
    connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    forget_folding(connection, schema)
    forget(connection, schema)


def views_of(names: Iterable[str]) -> list[View]:
    """The views that read any of these tables."""
    wanted = set(names)
    return [view for view in VIEWS if wanted.intersection(_read(view))]


def _read(view: View) -> list[str]:
    return re.findall(r"\bprojection\.(\w+)", view.select)
