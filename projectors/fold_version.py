"""Which code folds: a digest of all that a row can depend on, and by which of them each table was filled."""

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path

from sqlalchemy import Column, Connection, DateTime, Table, Text, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from projectors import PROJECTIONS
from projectors.database import metadata
from projectors.read_models import ReadModels

__all__ = ["exchange_folding", "fold_version", "folded_by", "forget_folding", "note_folding", "versions_of"]

_SHARED = (
    "events.upcast", "projectors.copy_text", "projectors.folding", "projectors.ledger", "projectors.merge",
    "projectors.projection", "projectors.projector", "projectors.tainted",
)  # fmt: skip

folded_by = Table(
    "folded_by",
    metadata,
    Column("schema_name", Text, primary_key=True, comment="where the table is now"),
    Column("table_name", Text, primary_key=True),
    Column("fold_version", Text, primary_key=True, comment="digest of code that folded rows of it"),
    Column("since_at", DateTime(timezone=True), nullable=False, comment="UTC; when it began to"),
    schema="rebuild",
)


@cache
def fold_version() -> str:
    """Twelve hex digits, of the source of the modules that fold and write rows."""
    names = sorted({*_SHARED, *(fold.__module__ for each in PROJECTIONS for fold in each.folds.values())})
    said = sha256()
    for name in names:
        said.update(name.encode() + b"\0" + Path(str(import_module(name).__file__)).read_bytes())
    return said.hexdigest()[:12]


def note_folding(connection: Connection, models: ReadModels) -> None:
    """From now on this code folds into these tables too."""
    rows = [
        {
            "schema_name": models.schema,
            "table_name": table.name,
            "fold_version": fold_version(),
            "since_at": func.clock_timestamp(),
        }
        for table in models.tables
    ]
    connection.execute(insert(folded_by).values(rows).on_conflict_do_nothing())


def versions_of(connection: Connection, schema: str, names: Iterable[str]) -> frozenset[str]:
    """By which versions of the code these tables were filled."""
    these = (folded_by.c.schema_name == schema) & folded_by.c.table_name.in_(list(names))
    return frozenset(connection.scalars(select(folded_by.c.fold_version).where(these)))


def forget_folding(connection: Connection, schema: str) -> None:
    """The tables of this schema are gone, or empty."""
    connection.execute(delete(folded_by).where(folded_by.c.schema_name == schema))


def exchange_folding(connection: Connection, one: str, other: str, names: Iterable[str]) -> None:
    """These tables of the two schemas have changed places."""
    these = folded_by.c.schema_name.in_([one, other]) & folded_by.c.table_name.in_(list(names))
    rows = connection.execute(delete(folded_by).where(these).returning(*folded_by.c)).mappings().all()
    there = {one: other, other: one}
    moved = [{**row, "schema_name": there[row["schema_name"]]} for row in rows]
    if moved:
        connection.execute(insert(folded_by), moved)
