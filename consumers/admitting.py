"""A worker's gate by readings: what it may begin, told once when that changes."""

import logging
from collections.abc import Iterable

from consumers.claims import WorkItem
from consumers.readings import Reading, Readings
from consumers.space_forecast import SpaceForecast
from consumers.throttle import Admission, Bounds, Pause, Standing, admit, in_words

__all__ = ["Admitting"]

log = logging.getLogger(__name__)


class Admitting:
    """Asked before each claim; safe for several threads."""

    def __init__(self, readings: Readings, bounds: Bounds | None = None) -> None:
        self._readings = readings
        self._bounds = bounds or Bounds()
        self.forecast = SpaceForecast(self._bounds.full_share)
        self.pauses: tuple[Pause, ...] = ()

    def may_begin(
        self, have: Iterable[WorkItem], *, threads: int, ahead: int, large_at_once: int
    ) -> Admission:
        """How many more of what may be claimed beside what is under way."""
        have = list(have)
        standing = Standing(
            items=len(have),
            large=sum(item.work_class == "large" for item in have),
            catch_up=sum(bool(item.priority) for item in have),
        )
        found = admit(
            self.reading(),
            standing,
            threads=threads,
            ahead=ahead,
            large_at_once=large_at_once,
            bounds=self._bounds,
        )
        self._tell(found.pauses)
        return found

    def may_preview(self) -> bool:
        """Whether there is room and memory for a picture, once nothing else is under way here."""
        nothing = Standing()
        return admit(
            self.reading(), nothing, threads=1, ahead=0, large_at_once=1, bounds=self._bounds
        ).preview

    def reading(self) -> Reading:
        """How the machine is off now; remembered for the forecast."""
        reading = self._readings.now()
        self.forecast.note(reading)
        return reading

    def _tell(self, pauses: tuple[Pause, ...]) -> None:
        before, self.pauses = {pause.what for pause in self.pauses}, pauses
        # That the cores are busy is what they are there for: only status shows it.
        fresh = [pause for pause in pauses if pause.what not in before and pause.what != "more"]
        if fresh:
            log.warning("work is held back", extra={"pauses": in_words(fresh)})
        over = before - {pause.what for pause in pauses} - {"more"}
        if over:
            log.info("work goes on", extra={"pauses": sorted(over)})
