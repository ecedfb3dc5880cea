"""Checks of the position on the sky."""

from consumers.checks.check import check
from consumers.checks.look import Look

__all__ = ["dec_in_range", "ra_in_range"]


@check(unit="deg", wanted=("between", (0, 360)))
def ra_in_range(file: Look) -> float | None:
    """A right ascension is an angle from 0 to 360 degrees."""
    return file.metadata.ra_deg


@check(unit="deg", wanted=("between", (-90, 90)))
def dec_in_range(file: Look) -> float | None:
    """A declination is an angle from the one pole to the other."""
    return file.metadata.dec_deg
