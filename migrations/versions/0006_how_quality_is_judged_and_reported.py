"""How quality is judged and reported."""

from migrations.sql_file import execute_beside, no_way_back

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    execute_beside(__file__)


def downgrade() -> None:
    no_way_back(revision)
