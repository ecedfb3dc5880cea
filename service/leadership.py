"""One of several: who holds a PostgreSQL advisory lock leads, the others wait. For liveness only, never as a fence.

A process that is frozen keeps its session, and the lock with it, for as long as it stays frozen. So a leader says every
few seconds that it is there, and who waits cuts the session off that has said nothing for long.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from zlib import crc32

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

__all__ = ["SILENT_S", "lead", "led"]

log = logging.getLogger(__name__)

SILENT_S = 20.0
"""Who leads and has said nothing for so long is taken for frozen; a busy machine makes nobody wait for half of it."""

_BEATS = 8
"""So often at least a leader says that it is there, before it would be taken for frozen."""

_STILL_PART = 0.75
"""What it holds may be younger than its last word: between two of them it began other things, and then it froze."""

_LOOK_S = 1.0
_SPACE = 0x4D45  # keeps our locks apart from those of other programs in the same database

_TRY = text("SELECT pg_try_advisory_lock(:space, :key)")
_HERE = text("SELECT")
_LED = text("""
    SELECT CAST(objid AS bigint) FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = CAST(:space AS oid)
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")

# A frozen process may also hold rows: in the middle of a COPY no time limit of PostgreSQL's counts, for the session is
# at work and waits for its client. Those sessions are known by their name and by what they wait for.
_CUT_OFF = text("""
    WITH silent AS (
        SELECT a.pid, a.application_name, a.usename FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND l.classid = CAST(:space AS oid) AND CAST(l.objid AS bigint) = :unsigned
            AND a.state_change < clock_timestamp() - :silent_s * interval '1 second')
    SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) FROM pg_stat_activity a
    WHERE a.pid IN (SELECT pid FROM silent)
        OR ((a.application_name, a.usename) IN (SELECT application_name, usename FROM silent)
            AND a.datname = current_database() AND a.wait_event_type = 'Client'
            AND a.xact_start < clock_timestamp() - :still_s * interval '1 second')
""")


def lead(
    engine: Engine,
    name: str,
    stop: threading.Event,
    work: Callable[[], None],
    *,
    silent_s: float = SILENT_S,
    look_s: float = _LOOK_S,
    lost: threading.Event | None = None,
) -> None:
    """Run ``work`` while we lead ``name``, again after it returns, until ``stop``. Without a database it waits.

    ``silent_s``: after so long without a word from who leads, its sessions are cut off.
    ``lost`` is set while work goes on that we do not lead any more, for work that nothing else would end.
    """
    lost = lost or threading.Event()
    told, is_away = False, False
    while not stop.is_set():
        try:
            with _lock(engine, name, silent_s, lost) as is_ours:
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
        stop.wait(look_s)


def led(connection: Connection, names: Iterable[str]) -> set[str]:
    """Which of these names somebody leads now."""
    held = set(connection.execute(_LED, {"space": _SPACE}).scalars())
    return {name for name in names if _key(name) % 2**32 in held}


def _key(name: str) -> int:
    return crc32(name.encode()) - 2**31


@contextmanager
def _lock(engine: Engine, name: str, silent_s: float, lost: threading.Event) -> Iterator[bool]:
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    key = _key(name)
    try:
        is_ours = bool(connection.scalar(_TRY, {"space": _SPACE, "key": key}))
        if is_ours:
            lost.clear()
            with _beating(connection, name, silent_s / _BEATS, lost):
                yield True
        else:
            _cut_off_the_frozen(connection, name, key, silent_s)
            yield False
    finally:
        # The session's end lets go of the lock, whatever state the connection is in.
        with suppress(SQLAlchemyError):
            connection.invalidate()
        connection.close()


@contextmanager
def _beating(connection: Connection, name: str, every_s: float, lost: threading.Event) -> Iterator[None]:
    """Say that we are there while the work goes on; nobody else uses the connection meanwhile."""
    over = threading.Event()
    thread = threading.Thread(
        target=_beat, args=(connection, name, every_s, over, lost), name="leading", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(
    connection: Connection, name: str, every_s: float, over: threading.Event, lost: threading.Event
) -> None:
    while not over.wait(every_s):
        try:
            connection.execute(_HERE)
        except SQLAlchemyError as error:
            # The work goes on until it sees that: what fences it is not the lock. Whoever leads now has taken its
            # positions over.
            said = str(getattr(error, "orig", None) or error)
            log.warning("lead lost", extra={"leads": name, "error": " ".join(said.split())})
            lost.set()
            return


def _cut_off_the_frozen(connection: Connection, name: str, key: int, silent_s: float) -> None:
    members = {
        "space": _SPACE, "unsigned": key % 2**32, "silent_s": silent_s, "still_s": silent_s * _STILL_PART,
    }  # fmt: skip
    if ended := connection.scalar(_CUT_OFF, members):
        log.warning(
            "a leader that said nothing any more was cut off", extra={"leads": name, "sessions": ended}
        )
