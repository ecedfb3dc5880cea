"""The views of schema ``v1``, which everyone else reads: every column says what it means, and none ever goes away."""

from hashlib import sha256

from sqlalchemy import Connection, text

from projectors.file_views import FILE_VIEWS
from projectors.op_views import OP_VIEWS
from projectors.record_views import RECORD_VIEWS
from projectors.view import View, make_view

__all__ = ["VIEWS", "make_views"]

VIEWS: tuple[View, ...] = (*FILE_VIEWS, *OP_VIEWS, *RECORD_VIEWS)


def make_views(connection: Connection, *, schema: str = "v1", projection: str = "projection") -> bool:
    """Create the views or bring them up to date, in a schema that is there; False: they were as they should be."""
    wanted = f"views {digest()} of {projection}"
    found = connection.scalar(
        text("SELECT obj_description(to_regnamespace(:schema), 'pg_namespace')"), {"schema": schema}
    )
    if found == wanted:
        return False
    for view in VIEWS:
        make_view(connection, view, schema=schema, projection=projection)
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {schema} IS '{wanted}'")
    return True


def digest() -> str:
    """Of everything that the views say."""
    said = [(view.name, view.comment, view.select, sorted(view.says.items()), _told(view)) for view in VIEWS]
    return sha256(repr(said).encode()).hexdigest()[:16]


def _told(view: View) -> list[tuple[str, str | None]]:
    return [(column.name, column.comment) for table in view.tables for column in table.columns]
