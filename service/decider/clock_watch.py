"""A clock that lies behind the ledger: said in the log; records keep the time of the record before them meanwhile."""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import Engine

from service.snapshots import store_cursor

__all__ = ["ClockWatch", "say_if_behind"]

log = logging.getLogger(__name__)

BEHIND_S = 60.0
_SAY_EVERY_S = 60.0


class ClockWatch:
    """Of one partition: the newest time in its ledger that was seen, and the clock."""

    def __init__(self, seat: str) -> None:
        self._seat = seat
        self._newest = ""
        self._say_at = 0.0

    def look(self, now: str, times: Iterable[str]) -> None:
        """Records of these times were decided when the clock said ``now``."""
        self._newest = max(times, default=self._newest)
        if self._newest <= now or time.monotonic() < self._say_at:
            return
        behind_s = (datetime.fromisoformat(self._newest) - datetime.fromisoformat(now)).total_seconds()
        if behind_s > BEHIND_S:
            self._say_at = time.monotonic() + _SAY_EVERY_S
            _say(behind_s, seat=self._seat, newest=self._newest, clock=now)


def say_if_behind(engine: Engine, clock: Callable[[], datetime]) -> None:
    """At the start: the newest time that the views have seen, and this machine's clock."""
    with store_cursor(engine) as cursor:
        cursor.execute("SELECT max(last_event_at) FROM projection.position")
        newest = cursor.fetchone()[0]
    now = clock()
    behind_s = (newest - now).total_seconds() if newest is not None else 0.0
    if behind_s > BEHIND_S:
        _say(behind_s, seat="all", newest=newest.isoformat(), clock=now.isoformat())


def _say(behind_s: float, **told: str) -> None:
    log.warning("clock lies behind the ledger; set it right", extra={"behind_s": round(behind_s, 1), **told})
