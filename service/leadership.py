"""One of several: who holds a PostgreSQL advisory lock leads, the others wait. For liveness only, never as a fence."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from zlib import crc32

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

__all__ = ["lead"]

log = logging.getLogger(__name__)

_LOOK_S = 1.0
_SPACE = 0x4D45  # keeps our locks apart from those of other programs in the same database


def lead(engine: Engine, name: str, stop: threading.Event, work: Callable[[], None]) -> None:
    """Run ``work`` while we lead ``name``, again after it returns, until ``stop``. Without a database it waits."""
    told, is_away = False, False
    while not stop.is_set():
        try:
            with _lock(engine, name) as is_ours:
                if is_ours:
                    told = False
                    work()
                elif not told:
                    log.info("standing by", extra={"leads": name})
                    told = True
        except SQLAlchemyError as error:
            if not is_away:
                said = str(getattr(error, "orig", None) or error)
                log.warning("waiting for postgresql", extra={"leads": name, "error": " ".join(said.split())})
            is_away = True
        else:
            is_away = False
        stop.wait(_LOOK_S)


@contextmanager
def _lock(engine: Engine, name: str) -> Iterator[bool]:
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    key = crc32(name.encode()) - 2**31
    try:
        is_ours = bool(
            connection.scalar(
                text("SELECT pg_try_advisory_lock(:space, :key)"), {"space": _SPACE, "key": key}
            )
        )
        yield is_ours
    finally:
        # The session's end lets go of the lock, whatever state the connection is in.
        with suppress(SQLAlchemyError):
            connection.invalidate()
        connection.close()
