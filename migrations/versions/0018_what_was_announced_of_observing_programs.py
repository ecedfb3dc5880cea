"""What was announced of observing programs."""

from migrations.sql_file import execute_beside, no_way_back

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    execute_beside(__file__)


def downgrade() -> None:
    no_way_back(revision)
