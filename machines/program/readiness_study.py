"""How each way of telling that a program is complete would have done on a catalogue: too early, too late, in days."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from machines.program.forecast import Arrivals

__all__ = ["Closing", "Row", "calibration", "fixed", "foretold", "quiet", "study", "told"]

Histories = Mapping[str, tuple[str, Sequence[datetime]]]
"""By name of an OP or a program: its instrument (of an OP: all of them) and when its datasets were made, in order."""

_DAY = timedelta(days=1)


class Closing(NamedTuple):
    """When one would have been closed first, when its last dataset came, and how often it was opened again."""

    at: datetime | None
    last: datetime
    reopened: int

    @property
    def is_early(self) -> bool:
        """Whether a dataset came after it was closed."""
        return self.at is not None and self.at < self.last


class Row(NamedTuple):
    """One way, over a whole catalogue. Days: how much too early for those that were, how much later for the rest."""

    policy: str
    unit: str
    n: int
    too_early: int
    early_days_median: float | None
    early_days_max: float | None
    late_days_median: float | None
    late_days_max: float | None
    reopened: int
    never: int


def quiet(created: Sequence[datetime], silence: timedelta) -> Closing:
    """Closed after so much silence; opened again by whatever comes later."""
    breaks = [now + silence for now, then in pairwise(created) if then - now > silence]
    return Closing((breaks or [created[-1] + silence])[0], created[-1], len(breaks))


def fixed(created: Sequence[datetime], days: timedelta) -> Closing:
    """Closed so long after its first dataset."""
    at = created[0] + days
    return Closing(at, created[-1], sum(1 for each in created if each > at))


def told(created: Sequence[datetime]) -> Closing:
    """Closed by a manifest, or by a ready event that comes when it is true: with the last dataset."""
    return Closing(created[-1], created[-1], 0)


def foretold(instrument: str, created: Sequence[datetime], arrivals: Arrivals, share: float) -> Closing:
    """Closed when, by all others of the catalogue, this share of like cases was complete."""
    silence = arrivals.without(instrument, created).silence_for(instrument, share)
    return Closing(None, created[-1], 0) if silence is None else quiet(created, silence)


def study(histories: Histories, *, unit: str, days: Iterable[float] = (1, 3, 7, 14, 30)) -> list[Row]:
    """Every way, on the same histories."""
    listed = list(days)
    arrivals = Arrivals.of(histories.values())
    ways = {f"quiet {each:g} d": [quiet(h, each * _DAY) for _, h in histories.values()] for each in listed}
    ways |= {
        f"{each:g} d after the first": [fixed(h, each * _DAY) for _, h in histories.values()]
        for each in listed
    }
    for share in (0.9, 0.95):
        ways[f"forecast {100 * share:.0f} %"] = [
            foretold(*each, arrivals, share) for each in histories.values()
        ]
    ways["manifest or ready event"] = [told(h) for _, h in histories.values()]
    return [_row(policy, unit, closings) for policy, closings in ways.items()]


def calibration(histories: Histories, share: float = 0.9) -> tuple[int, int]:
    """Of how many forecasts, made from all others when the first dataset came, the date held; and of how many."""
    held = made = 0
    arrivals = Arrivals.of(histories.values())
    for instrument, created in histories.values():
        forecast = arrivals.without(instrument, created).forecast(
            instrument, created[0], at=created[0], share=share
        )
        if forecast.by is not None:
            made += 1
            held += created[-1] <= forecast.by
    return held, made


def _row(policy: str, unit: str, closings: Sequence[Closing]) -> Row:
    closed = [(each, each.at) for each in closings if each.at is not None]
    early = [(each.last - at) / _DAY for each, at in closed if each.is_early]
    late = [(at - each.last) / _DAY for each, at in closed if not each.is_early]
    return Row(
        policy,
        unit,
        len(closings),
        len(early),
        *_spread(early),
        *_spread(late),
        reopened=sum(each.reopened for each in closings),
        never=len(closings) - len(closed),
    )


def _spread(days: Sequence[float]) -> tuple[float | None, float | None]:
    return (round(median(days), 2), round(max(days), 2)) if days else (None, None)
