"""Checks of the times that a file tells: a clock that stands still, runs ahead, or was set back."""

from consumers.checks.check import check
from consumers.checks.look import Look

__all__ = ["observation_age", "time_order", "year_plausible"]


@check(unit="s", wanted=(">=", 0))
def time_order(file: Look) -> float | None:
    """An observation ends after it began; the value is how long it lasted by its two times."""
    if file.start is None or file.end is None:
        return None
    return round((file.end - file.start).total_seconds(), 6)


@check(unit="s", wanted=(">=", -60))
def observation_age(file: Look) -> float | None:
    """An observation did not begin in the future, by more than a minute; the value is how long ago it began.

    A stream of live data may give an upper limit too (``between``): then it finds a clock that stands still.
    """
    if file.start is None or file.at is None:
        return None
    return round((file.at - file.start).total_seconds(), 3)


@check(unit="a", wanted=(">=", 1990))
def year_plausible(file: Look) -> int | None:
    """No observation is older than the instruments: a computer's clock that was reset begins in 1970 or 1980."""
    return None if file.start is None else file.start.year
