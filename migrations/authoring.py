"""Writing the next revision: what the tables of the code have, and a database at head has not, as a file of SQL."""

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.ops import OpContainer

from migrations import FOLDER, settings_for
from migrations.run import COMPARED
from migrations.tables import metadata
from projectors.database import SCHEMAS, make_engine

__all__ = ["differences", "write_revision"]


def write_revision(url: str, message: str) -> Path:
    """Write the revision that leads from this database (at head) to the code's tables; the file to read over."""
    sql = differences(url)
    number = f"{1 + len(list((FOLDER / 'versions').glob('[0-9]*.py'))):04d}"
    if number == "0001":
        sql = "".join(f"CREATE SCHEMA IF NOT EXISTS {schema};\n" for schema in SCHEMAS) + "\n" + sql
    script: Any = command.revision(settings_for(url), message=message, rev_id=number)
    path = Path(script.path).with_suffix(".sql")
    path.write_text(f"-- {message}.\n\n{sql}", encoding="utf-8")
    return path


def differences(url: str) -> str:
    """The SQL that would make a database's tables those of the code; empty where they are."""
    engine = make_engine(url, "meridian-migrations")
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts=COMPARED)
            found = produce_migrations(context, metadata).upgrade_ops
    finally:
        engine.dispose()
    return _as_sql(_flat(found.ops if found else ()))


def _flat(operations: Iterable[Any]) -> Iterator[Any]:
    for each in operations:
        if isinstance(each, OpContainer):
            yield from _flat(each.ops)
        else:
            yield each


def _as_sql(operations: Iterable[Any]) -> str:
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written}
    )
    for each in operations:
        Operations(context).invoke(each)
    lines = [line.rstrip() for line in written.getvalue().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n" if lines else ""
