"""Wakes those who wait for work: PostgreSQL notifies, and a look from time to time in case a notice was lost."""

import logging
import select
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

__all__ = ["Listener"]

log = logging.getLogger(__name__)

_LOOK_S = 0.5
_PAUSE_S = 1.0


class Listener:
    """Calls ``on_notice(payload)`` for every notice on the channels, and once with "" after each new connection."""

    def __init__(self, engine: Engine, channels: Iterable[str], on_notice: Callable[[str], None]) -> None:
        self._engine = engine
        self._channels = tuple(channels)
        self._on_notice = on_notice

    def run(self, stop: threading.Event) -> None:
        """Listen until ``stop``; an outage is waited out."""
        told = False
        while not stop.is_set():
            try:
                self._listen(stop)
                told = False
            except (DBAPIError, psycopg2.Error) as error:
                if not told:
                    log.warning(
                        "not listening, looking from time to time", extra={"error": str(error).strip()[:500]}
                    )
                    told = True
                stop.wait(_PAUSE_S)

    def _listen(self, stop: threading.Event) -> None:
        pooled = self._engine.raw_connection()
        pooled.detach()  # it listens: not for the pool
        with closing(pooled):
            connection: Any = pooled.dbapi_connection
            connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
            with connection.cursor() as cursor:
                for channel in self._channels:
                    cursor.execute(f'LISTEN "{channel}"')
            self._on_notice("")
            while not stop.is_set():
                if select.select([connection], [], [], _LOOK_S)[0]:
                    connection.poll()
                    for payload in {notice.payload for notice in connection.notifies}:
                        self._on_notice(payload)
                    connection.notifies.clear()
