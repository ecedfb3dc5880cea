"""The Python library ``eventsourcing`` on the same PostgreSQL: aggregates loaded, changed and saved, one by one.

It is no part of the lock: Meridian needs it for this one floor only, which is left out where it is not installed.
"""

from importlib.util import find_spec
from typing import Any

from sqlalchemy import make_url

from service.bench.timing import Timer

__all__ = ["NEEDED", "change_aggregates", "is_installed"]

NEEDED = ("eventsourcing", "psycopg", "psycopg_pool")
STEPS = ("start", "validated", "transferred", "registered")


def is_installed() -> bool:
    """All that it takes: ``pip install eventsourcing 'psycopg[binary,pool]'``."""
    return all(find_spec(name) is not None for name in NEEDED)


def change_aggregates(database: str, *, requests: int) -> dict[str, Any]:
    """Changes a second: as many as ``requests``, a fifth of them new files, each saved before the next is loaded."""
    application, kind = _application(database)
    count = -(-requests // (len(STEPS) + 1))
    timer, files = Timer(), [kind() for _ in range(count)]
    for each in files:
        application.save(each)
    for step in STEPS:
        for each in files:
            changed = application.repository.get(each.id)
            changed.step(step)
            application.save(changed)
    found = timer.per(count * (len(STEPS) + 1))
    application.close()
    return found


def _application(database: str) -> tuple[Any, Any]:
    from eventsourcing.application import Application
    from eventsourcing.domain import Aggregate, event

    url = make_url(database)

    class BenchFile(Aggregate):  # type: ignore[misc]  # not installed with Meridian
        """A file, of which little more than its state is kept."""

        def __init__(self) -> None:
            self.state = "QUEUED"

        @event("Stepped")  # type: ignore[untyped-decorator]
        def step(self, name: str) -> None:
            """One step of its life."""
            self.state = name

    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": url.database or "",
        "POSTGRES_HOST": url.host or str(url.query.get("host", "")),
        "POSTGRES_PORT": str(url.port or 5432),
        "POSTGRES_USER": url.username or "",
        "POSTGRES_PASSWORD": url.password or "",
    }
    return Application(env=environment), BenchFile
