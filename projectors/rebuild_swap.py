"""Changing places: tables beside the live ones become the live ones and the other way round, in one transaction."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Row, text
from sqlalchemy.exc import OperationalError

from events.log import Log
from events.topics import Topics
from projectors.fold_version import exchange_folding
from projectors.positions import Key
from projectors.projector import CHANNEL, STREAM_CHANNEL
from projectors.read_models import LIVE
from projectors.rebuild_compare import Compared, compare
from projectors.rebuild_level import is_lock_timeout, level, lock_timeout, near, still
from projectors.rebuild_schema import views_of
from projectors.rebuild_targets import Target, mark
from projectors.view import bind_view

__all__ = ["ReadersInTheWayError", "Swap"]

_BETWEEN = "rebuild_between"
_PAUSE_S = 0.5

Wanted = Callable[[Sequence[Compared]], None]
"""Looks at what changed since the comparison; raises where the swap is not wanted any more."""


class ReadersInTheWayError(Exception):
    """Queries held the views for as long as was to be waited; the message says whose."""


@dataclass(frozen=True, slots=True)
class Swap:
    """One change of places."""

    engine: Engine
    log: Log
    topics: Topics
    target: Target
    wait_s: float = 15.0

    def run(self, *, becomes: str, since: dict[Key, int] | None, wanted: Wanted) -> dict[Key, int]:
        """Swap, and note what the other schema is now; where both stood. ``since``: up to where they were compared.

        Raises ReadersInTheWayError, or whatever ``wanted`` raises.
        """
        near(self.engine, self.log, self.topics, self.target.models)
        until, tries = time.monotonic() + self.wait_s, 0
        while True:
            tries += 1
            try:
                return self._once(becomes, since, wanted)
            except OperationalError as error:
                if not is_lock_timeout(error):
                    raise
                if time.monotonic() >= until:
                    raise ReadersInTheWayError(self._in_the_way(tries)) from error
            time.sleep(_PAUSE_S)

    def _once(self, becomes: str, since: dict[Key, int] | None, wanted: Wanted) -> dict[Key, int]:
        models, names = self.target.models, self.target.tables
        with still(self.engine) as connection:
            ends = level(self.engine, self.log, self.topics, models)
            if since is not None:
                wanted(list(compare(connection, models, names=_compared(names), since=since)))
            _take_from_owners(connection, models.position.fullname)
            _exchange(connection, names, models.schema)
            exchange_folding(connection, LIVE.schema, models.schema, names)
            mark(connection, models.schema, kind=becomes)
            for channel in (CHANNEL, STREAM_CHANNEL):
                connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": channel})
        return ends

    def _in_the_way(self, tries: int) -> str:
        with self.engine.connect() as connection:
            rows = connection.execute(
                _READERS, {"schemas": [LIVE.schema, self.target.schema_name, "v1"]}
            ).all()
        told = "; ".join(_told(row) for row in rows) or "nobody any more"
        return (
            f"the views were in use each of {tries} times within {self.wait_s:.0f} s, and a query is never cut off: "
            f"found {told}; wanted a moment without a long query; wait for it to end, or end it with "
            "SELECT pg_cancel_backend(PID), and try again; nothing was changed"
        )


_READERS = text("""
    SELECT DISTINCT a.pid, a.usename, a.application_name, a.state, a.xact_start, left(a.query, 80) AS query
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE l.granted AND n.nspname = ANY(:schemas) AND l.database = (
        SELECT oid FROM pg_database WHERE datname = current_database())
        AND a.pid <> pg_backend_pid() AND a.xact_start < clock_timestamp() - interval '150 ms'
    ORDER BY a.xact_start
""")


def _told(row: Row[tuple[object, ...]]) -> str:
    query = " ".join(str(row.query).split())
    return (
        f"session {row.pid} of {row.usename} ({row.application_name or 'no name'}), {row.state} in a transaction "
        f"since {row.xact_start:%H:%M:%S} UTC: {query}"
    )


def _compared(names: Iterable[str]) -> list[str]:
    """What a swap looks at: the tables that change places, and always the quarantine."""
    return list(dict.fromkeys([*names, LIVE.tainted.name]))


def _take_from_owners(connection: Connection, other: str) -> None:
    """Whoever feeds either side takes over anew, and reads again what it remembers."""
    for here, there in ((LIVE.position.fullname, other), (other, LIVE.position.fullname)):
        connection.exec_driver_sql(
            f"UPDATE {here} p SET owner_epoch = GREATEST(p.owner_epoch, o.owner_epoch) + 1 FROM {there} o "  # noqa: S608
            "WHERE (o.follower, o.machine, o.partition) = (p.follower, p.machine, p.partition)"
        )


def _exchange(connection: Connection, names: Sequence[str], other: str) -> None:
    """Tables with their indexes change places, and the views are bound to those that are live now."""
    lock_timeout(connection)
    views = views_of(names)
    everything = [f"v1.{view.name}" for view in views]
    everything += [f"{schema}.{name}" for schema in (LIVE.schema, other) for name in names]
    connection.exec_driver_sql(f"LOCK TABLE {', '.join(everything)} IN ACCESS EXCLUSIVE MODE")
    connection.exec_driver_sql(f"CREATE SCHEMA {_BETWEEN}")
    for here, there in ((LIVE.schema, _BETWEEN), (other, LIVE.schema), (_BETWEEN, other)):
        for name in names:
            connection.exec_driver_sql(f"ALTER TABLE {here}.{name} SET SCHEMA {there}")
    connection.exec_driver_sql(f"DROP SCHEMA {_BETWEEN}")
    for view in views:
        bind_view(connection, view)
