"""Metadata with widths and places on the sky, what attempts cost besides, and previews."""

from migrations.sql_file import execute_beside, no_way_back

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    execute_beside(__file__)


def downgrade() -> None:
    no_way_back(revision)
