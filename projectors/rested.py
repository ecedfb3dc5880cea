"""Sessions of a pool that have rested are asked whether they still live; those in use all the time are known to."""

import time
from collections.abc import Callable
from typing import Any

import psycopg2
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

__all__ = ["RESTED_S", "asked_after_rest"]

RESTED_S = 0.5
"""To ask is a turn of the server, as long as most of what is asked then: not for what was answered just now."""

_SINCE = "rests_since_s"


def asked_after_rest(engine: Engine, clock: Callable[[], float] = time.monotonic) -> Engine:
    """The engine. A session that died while it rested is replaced, and all others of the pool, before anybody gets it.

    One that dies within ``RESTED_S`` of its last use fails whoever has it next, as it would in the middle of that.
    """

    @event.listens_for(engine, "checkin")
    def _(_session: Any, record: Any) -> None:
        record.info[_SINCE] = clock()

    @event.listens_for(engine, "checkout")
    def _(session: Any, record: Any, _holder: Any) -> None:
        since_s = record.info.pop(_SINCE, None)
        if since_s is None or clock() - since_s < RESTED_S:
            return
        try:
            engine.dialect.do_ping(session)
        except psycopg2.Error as error:
            raise InvalidatePoolError from error

    return engine
