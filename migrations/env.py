"""What Alembic runs: one transaction under a lock, with tables by revision, then views and grants."""

from alembic import context

from migrations.run import run

run(context)
