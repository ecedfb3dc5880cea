"""Find missing previews, and lookups."""

from migrations.sql_file import execute_beside, no_way_back

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    execute_beside(__file__)


def downgrade() -> None:
    no_way_back(revision)
