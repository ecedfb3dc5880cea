"""Wakes those who wait for work: PostgreSQL notifies, and a look from time to time in case a notice was lost."""

import logging
import threading
from collections.abc import Callable, Iterable

from sqlalchemy import Engine

from consumers.outage import OUTAGES, in_words
from projectors.listening import listening

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
            except OUTAGES as error:
                if not told:
                    log.warning("not listening, looking from time to time", extra={"error": in_words(error)})
                    told = True
                stop.wait(_PAUSE_S)

    def _listen(self, stop: threading.Event) -> None:
        with listening(self._engine, *self._channels) as notices:
            self._on_notice("")
            while not stop.is_set():
                for payload in notices.wait(_LOOK_S) or ():
                    self._on_notice(payload)
