"""How programs of the catalogues known here have arrived, for forecasts of those that have not arrived whole."""

import threading
import time
from datetime import datetime

from sqlalchemy import Engine, text

from machines.program.forecast import Arrivals

__all__ = ["ArrivalsSeen"]

_KEPT_S = 600.0


class ArrivalsSeen:
    """Read at most every ten minutes: one dataset more changes no forecast. Safe for several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._known: Arrivals | None = None
        self._read_at = 0.0

    def now(self) -> Arrivals:
        """Raises one of ``OUTAGES`` where the database is away."""
        with self._lock:
            if self._known is None or time.monotonic() - self._read_at > _KEPT_S:
                with self._engine.connect() as connection:
                    rows = connection.execute(_CREATED).all()
                self._known = Arrivals.of(
                    (row.instrument, [datetime.fromisoformat(each) for each in row.created]) for row in rows
                )
                self._read_at = time.monotonic()
            return self._known


_CREATED = text("""
    SELECT max(told ->> 'instrument') AS instrument, array_agg(told ->> 'created_at') AS created
    FROM work.program_dataset WHERE NOT is_gone AND told ->> 'created_at' IS NOT NULL
    GROUP BY subject, program
""")
