"""Equal positions: live tables stand still for a moment, while what is beside them is brought to the same place."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from events.log import Log
from events.topics import Topics
from projectors.halt import LostPositionError
from projectors.positions import Key
from projectors.read_models import LIVE, ReadModels
from projectors.rebuild_fill import Filling, fill, live_ends, next_offsets, reached

__all__ = ["NotLevelError", "is_lock_timeout", "level", "level_snapshot", "lock_timeout", "near", "still"]

LOCK_MS = 200
TRIES = 50
_CLOSE = 5000  # offsets: so many are read in a moment
_PAUSE_S = 0.1


class NotLevelError(Exception):
    """The two could not be brought to the same positions; the message says where they stand."""


def lock_timeout(connection: Connection) -> None:
    """For this transaction: wait for a lock as long as a reader may be kept waiting behind us, and no longer."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_MS}")


@contextmanager
def still(engine: Engine) -> Iterator[Connection]:
    """A transaction during which the live projector commits nothing: its next batch waits for the end of this one.

    Raises OperationalError where the lock is not to be had in time.
    """
    with engine.connect() as connection, connection.begin():
        lock_timeout(connection)
        # Every batch begins by moving a position; reading them goes on.
        connection.exec_driver_sql(f"LOCK TABLE {LIVE.position.fullname} IN SHARE MODE")
        yield connection


def level(engine: Engine, log: Log, topics: Topics, models: ReadModels) -> dict[Key, int]:
    """Bring what is beside up to where live stands now; the ends. While live stands still, both are equal then."""
    for _ in range(TRIES):
        ends = live_ends(engine)
        with engine.connect() as connection:
            if reached(next_offsets(connection, models.position), ends):
                return ends
        try:
            fill(Filling(log=log, topics=topics, engine=engine, models=models, ends=ends))
        except LostPositionError:
            continue  # the projector has taken over its feeding at this moment; ours is the next turn
        return ends
    raise NotLevelError(
        f"{models.schema}: others took over its positions {TRIES} times in a row; see meridian projection list"
    )


def near(engine: Engine, log: Log, topics: Topics, models: ReadModels) -> None:
    """Read all but the last few records, so that live has to stand still for a moment only."""
    for _ in range(TRIES):
        with engine.connect() as connection:
            ends = next_offsets(connection, LIVE.position)
            found = next_offsets(connection, models.position)
        ahead = {key: found.get(key, 0) for key, end in ends.items() if found.get(key, 0) > end}
        if ahead:
            raise NotLevelError(
                f"{models.schema} has read more than the live views have: found {ahead}, live {ends}; if the live "
                "views are being filled anew, wait for them; else meridian projection drop, then meridian replay"
            )
        if sum(end - found.get(key, 0) for key, end in ends.items()) <= _CLOSE:
            return
        level(engine, log, topics, models)


def level_snapshot(
    engine: Engine, log: Log, topics: Topics, models: ReadModels, *, reader: Connection
) -> dict[Key, int]:
    """Equal positions, as ``reader`` sees them: a connection without a transaction, which has one afterwards.

    That one goes on seeing both sides as they were then, however long it takes, while both are fed on.
    """
    near(engine, log, topics, models)

    def once() -> dict[Key, int]:
        with still(engine):
            ends = level(engine, log, topics, models)
            reader.execution_options(isolation_level="REPEATABLE READ")
            if not reached(next_offsets(reader, models.position), ends):
                reader.rollback()
                raise NotLevelError(
                    f"{models.schema} was set back while it was being brought to the live positions"
                )
        return ends

    return patiently(once)


def patiently(once: Callable[[], dict[Key, int]]) -> dict[Key, int]:
    """Try again while a lock is not to be had."""
    for left in reversed(range(TRIES)):
        try:
            return once()
        except OperationalError as error:
            if not is_lock_timeout(error) or not left:
                raise
        time.sleep(_PAUSE_S)
    raise AssertionError("unreachable")


def is_lock_timeout(error: OperationalError) -> bool:
    """The wait for a lock was given up."""
    return getattr(error.orig, "pgcode", None) == "55P03"
