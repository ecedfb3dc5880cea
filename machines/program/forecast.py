"""When a program will be complete, by how programs of the same catalogue have arrived."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

__all__ = ["Arrivals", "Forecast", "Step"]

_SETTLED_AFTER = timedelta(days=30)
_ENOUGH = 20
_NEVER = datetime.max.replace(tzinfo=UTC)


class Step(NamedTuple):
    """An arrival of the past: how long it was silent after it (None: for good), and how long until the last one."""

    silent: timedelta | None
    to_the_last: timedelta


class Forecast(NamedTuple):
    """``by``: complete by then in this ``share`` of like cases, ``complete_now`` of which are so already; of ``n``."""

    by: datetime | None
    share: float
    complete_now: float
    n: int
    like: str

    def __str__(self) -> str:
        if self.by is None:
            return f"no forecast: {self.n} like cases of {self.like}, wanted at least {_ENOUGH}"
        now = f"of {self.n} like cases of {self.like} {100 * self.complete_now:.0f} % were complete by now"
        return f"complete with {100 * self.share:.0f} % by {self.by:%Y-%m-%d} ({now})"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The steps of each of a catalogue's programs, by instrument. Programs that may still go on are no evidence."""

    programs: Mapping[str, Sequence[Sequence[Step]]]

    @classmethod
    def of(
        cls, programs: Iterable[tuple[str, Sequence[datetime]]], *, seen_until: datetime | None = None
    ) -> "Arrivals":
        """From each program's instrument and the creation dates of its datasets, in any order.

        ``seen_until``: when the catalogue was looked at; programs with a dataset of the 30 days before are left out.
        None: at its last creation date.
        """
        known = [(instrument, sorted(created)) for instrument, created in programs if created]
        end = seen_until or max((created[-1] for _, created in known), default=_NEVER)
        by_instrument: dict[str, list[list[Step]]] = defaultdict(list)
        for instrument, created in known:
            if created[-1] + _SETTLED_AFTER <= end:
                by_instrument[instrument].append(steps_of(created))
        return cls(dict(by_instrument))

    def like(self, instrument: str, silent: timedelta) -> tuple[list[Step], str]:
        """Where each program of this instrument was when it had first been silent so long; of all if there are few."""
        own = _first_silences(self.programs.get(instrument, ()), silent)
        if len(own) >= _ENOUGH:
            return own, instrument
        everyone = (program for programs in self.programs.values() for program in programs)
        return _first_silences(everyone, silent), "all instruments"

    def forecast(self, instrument: str, last: datetime, *, at: datetime, share: float = 0.9) -> Forecast:
        """When a program whose newest dataset is of ``last`` will have its last one."""
        silent = max(at - last, timedelta(0))
        steps, like = self.like(instrument, silent)
        if len(steps) < _ENOUGH:
            return Forecast(None, share, 0.0, len(steps), like)
        waits = sorted(each.to_the_last for each in steps)
        enough = min(len(waits), max(1, _ceil(share * len(waits))))
        complete = sum(1 for each in steps if each.silent is None) / len(steps)
        by = max(last + waits[enough - 1], last if complete >= share else at)
        return Forecast(by, share, complete, len(steps), like)

    def silence_for(self, instrument: str, share: float) -> timedelta | None:
        """How long it has to be silent until this share of like cases was complete; None: too little experience."""
        programs = self.programs.get(instrument, ())
        gaps = {each.silent for steps in programs for each in steps if each.silent is not None}
        waits = [timedelta(0), *(gap + timedelta(microseconds=1) for gap in sorted(gaps))]
        # The longer it is silent, the more were complete; after the longest gap all were.
        place = bisect_left(waits, True, key=lambda silent: self._complete(instrument, silent) >= share)
        return waits[place] if place < len(waits) else None

    def without(self, instrument: str, created: Sequence[datetime]) -> "Arrivals":
        """The same without one program of these dates: what all others say of it."""
        left, own = list(self.programs.get(instrument, ())), steps_of(sorted(created))
        if own in left:
            left.remove(own)
        return Arrivals({**self.programs, instrument: left})

    def _complete(self, instrument: str, silent: timedelta) -> float:
        found, _ = self.like(instrument, silent)
        return sum(each.silent is None for each in found) / len(found) if len(found) >= _ENOUGH else -1.0


def steps_of(created: Sequence[datetime]) -> list[Step]:
    """The steps of one program; ``created`` in order."""
    last = created[-1]
    following = [*created[1:], None]
    return [
        Step(None if then is None else then - now, last - now)
        for now, then in zip(created, following, strict=True)
    ]


def _first_silences(programs: Iterable[Sequence[Step]], silent: timedelta) -> list[Step]:
    """One case a program: after its last dataset, at the latest, it is silent for good."""
    return [
        next(each for each in steps if each.silent is None or each.silent >= silent) for steps in programs
    ]


def _ceil(number: float) -> int:
    return -int(-(number - 1e-9) // 1)
