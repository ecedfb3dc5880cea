"""One view of ``v1``: its query, and what each of its columns means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import ProgrammingError

__all__ = ["View", "bind_view", "make_view"]

TAINTED = "an event of it could not be read into the views: what is shown here may be older than its history"


@dataclass(frozen=True, slots=True)
class View:
    """Columns that bear the name of a column of ``tables`` mean the same; ``says`` tells what the others mean."""

    name: str
    comment: str
    select: str
    tables: Sequence[Table] = ()
    says: Mapping[str, str] = field(default_factory=dict)

    def meaning(self, column: str) -> str:
        """What this column means; raises KeyError where nobody has said so."""
        if column in self.says:
            return self.says[column]
        if column == "is_tainted":
            return TAINTED
        for table in self.tables:
            if column in table.columns and (comment := table.columns[column].comment):
                return comment
        raise KeyError(
            f"view {self.name}: column {column} has no comment; add one to its table, or to the view"
        )


def make_view(
    connection: Connection, view: View, *, schema: str = "v1", projection: str = "projection"
) -> None:
    """Create the view, or bring it up to date, with its comments; ``projection``: the schema that it reads."""
    name = f"{schema}.{view.name}"
    try:
        with connection.begin_nested():
            bind_view(connection, view, schema=schema, projection=projection)
    except ProgrammingError:
        # PostgreSQL replaces a view only by one that has more columns at its end.
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
        bind_view(connection, view, schema=schema, projection=projection)
    connection.exec_driver_sql(f"COMMENT ON VIEW {name} IS {_quoted(view.comment)}")
    for column in _columns(connection, schema, view.name):
        connection.exec_driver_sql(f'COMMENT ON COLUMN {name}."{column}" IS {_quoted(view.meaning(column))}')


def bind_view(
    connection: Connection, view: View, *, schema: str = "v1", projection: str = "projection"
) -> None:
    """Bind the view to the tables that have its names now; rights, comments, and views upon it stay."""
    select = re.sub(r"\bprojection\.", f"{projection}.", view.select).strip()
    connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {schema}.{view.name} AS {select}")


def _columns(connection: Connection, schema: str, name: str) -> list[str]:
    found = connection.execute(
        text(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = :schema AND table_name = :name"
        ),
        {"schema": schema, "name": name},
    )
    return [row[0] for row in found]


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
