"""Checks of the exposure time."""

from consumers.checks.check import check
from consumers.checks.look import Look

__all__ = ["exposure_plausible", "exposure_positive", "exposure_within_times"]


@check(unit="s", wanted=(">", 0), purposes=("science",))
def exposure_positive(file: Look) -> float | None:
    """A science exposure lasts longer than nothing; zero is for bias frames."""
    return file.metadata.exposure_s


@check(unit="s", wanted=("between", (0, 21_600)))
def exposure_plausible(file: Look) -> float | None:
    """No exposure is negative, and none lasts longer than six hours, the longest part of a night on one target."""
    return file.metadata.exposure_s


@check(unit="s", wanted=("<=", 1), formats=("fits", "dkist-l1-fits", "roman-wfi-l2-asdf", "rubin-raw-fits"))
def exposure_within_times(file: Look) -> float | None:
    """An exposure is not longer than the time between its begin and its end; the value is by how much it is.

    Only where the file tells the end by itself, not where we compute it from the exposure time.
    """
    exposure = file.metadata.exposure_s
    if file.start is None or file.end is None or exposure is None:
        return None
    return round(exposure - (file.end - file.start).total_seconds(), 6)
