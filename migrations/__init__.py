"""Tables and views, brought up to date by Alembic: safe to ask for twice, and from several processes at once."""

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["current", "heads", "settings_for", "upgrade"]

_one_at_a_time = Lock()

FOLDER = Path(__file__).resolve().parent


def upgrade(url: str, *, analyst_password: str | None = None) -> tuple[str, ...]:
    """Bring the database to what this code wants; the revision that it then has.

    With a password the role ``meridian_analyst`` may log in.
    """
    from alembic import command

    settings = settings_for(url)
    settings.attributes["analyst_password"] = analyst_password
    with _one_at_a_time:  # Alembic keeps what it is doing in a module
        command.upgrade(settings, "head")
    return heads()


def heads() -> tuple[str, ...]:
    """The revision that this code wants (one, unless two branches were never merged)."""
    from alembic.script import ScriptDirectory

    return tuple(ScriptDirectory.from_config(settings_for("postgresql://")).get_heads())


def current(url: str) -> tuple[str, ...]:
    """The revision that the database has; empty where it has none."""
    from alembic.migration import MigrationContext

    from projectors.database import make_engine

    engine = make_engine(url, "meridian-migrations")
    try:
        with engine.connect() as connection:
            return tuple(MigrationContext.configure(connection).get_current_heads())
    finally:
        engine.dispose()


def settings_for(url: str) -> "Config":
    """Alembic's settings, without a file."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(FOLDER))
    settings.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return settings
