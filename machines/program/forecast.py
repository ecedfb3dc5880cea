"""When a program will be complete, by how programs of the same catalogue have arrived."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
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
    _asked: dict[tuple[str, float], "_Course"] = field(default_factory=dict, compare=False, repr=False)

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
        programs, like = self._experience(instrument)
        return _first_silences(programs, silent), like

    def forecast(self, instrument: str, last: datetime, *, at: datetime, share: float = 0.9) -> Forecast:
        """When a program whose newest dataset is of ``last`` will have its last one."""
        course = self._course(instrument, share)
        silent = max(at - last, timedelta(0))
        if course.n < _ENOUGH:
            return Forecast(None, share, 0.0, course.n, course.like)
        wait, complete = course.after(silent)
        by = max(last + wait, last if complete >= share else at)
        return Forecast(by, share, complete, course.n, course.like)

    def _course(self, instrument: str, share: float) -> "_Course":
        """Made once for all programs of an instrument: each has been silent for another time."""
        found = self._asked.get((instrument, share))
        if found is None:
            programs, like = self._experience(instrument)
            found = self._asked[instrument, share] = _Course.of(programs, like, share)
        return found

    def _experience(self, instrument: str) -> tuple[Sequence[Sequence[Step]], str]:
        """The programs of this instrument; of all if there are few."""
        own = self.programs.get(instrument, ())
        if len(own) >= _ENOUGH:
            return own, instrument
        return [program for programs in self.programs.values() for program in programs], "all instruments"

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


@dataclass(frozen=True, slots=True)
class _Course:
    """How a forecast goes on, the longer it is silent: another one after each of ``silences``, which are in order.

    ``found``: how long the share of the cases had to wait from then, and which part of them was complete.
    """

    silences: Sequence[timedelta]
    found: Sequence[tuple[timedelta, float]]
    n: int
    like: str

    @classmethod
    def of(cls, programs: Sequence[Sequence[Step]], like: str, share: float) -> "_Course":
        """One pass over all that ever ended a silence that was the program's longest so far."""
        ended: dict[timedelta, list[tuple[Step, Step]]] = defaultdict(list)
        cases = [list(_longest_so_far(steps)) for steps in programs]
        for silences in cases:
            for one, then in pairwise(silences):
                ended[one.silent or timedelta(0)].append((one, then))
        waits = sorted(each[0].to_the_last for each in cases)
        complete = sum(each[0].silent is None for each in cases)
        place = min(len(cases), max(1, _ceil(share * len(cases)))) - 1
        ordered, found = sorted(ended), []
        for silent in [*ordered, None]:
            if waits:
                found.append((waits[place], complete / len(waits)))
            for one, then in ended[silent] if silent is not None else ():
                del waits[bisect_left(waits, one.to_the_last)]
                insort(waits, then.to_the_last)
                complete += then.silent is None
        return cls(ordered, found, len(cases), like)

    def after(self, silent: timedelta) -> tuple[timedelta, float]:
        """What is found once it has been silent so long."""
        return self.found[bisect_left(self.silences, silent)]


def _longest_so_far(steps: Sequence[Step]) -> Iterator[Step]:
    """Where a program is found that has been silent for some time, the longer the later; the last is for good."""
    longest: timedelta | None = None
    for each in steps:
        if each.silent is None or longest is None or each.silent > longest:
            longest = each.silent
            yield each


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
