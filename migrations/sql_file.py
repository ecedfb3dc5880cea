"""Revisions are files of SQL, each beside the small module that Alembic knows it by."""

from pathlib import Path

from alembic import op

__all__ = ["NoWayBackError", "execute_beside", "no_way_back"]


class NoWayBackError(Exception):
    """Revisions lead forward only: views can be rebuilt from the ledger, and a database restored from its backup."""


def execute_beside(module: str) -> None:
    """Run the SQL file that has this module's name."""
    op.get_bind().exec_driver_sql(Path(module).with_suffix(".sql").read_text(encoding="utf-8"))


def no_way_back(revision: str) -> None:
    """Say so."""
    raise NoWayBackError(
        f"revision {revision} can't be taken back; restore the database from a backup made before it"
    )
