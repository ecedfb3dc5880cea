"""Places on the sky and bounds on results of checks, as people type them."""

import math
from typing import TYPE_CHECKING

from service.cli.errors import WrongUseError

if TYPE_CHECKING:
    from projectors.file_filter import QaBound
    from projectors.sky import Box, Cone

__all__ = ["read_bound", "read_box", "read_cone"]


def read_cone(text: str | None) -> "Cone | None":
    """``RA,DEC,R`` in degrees; raises WrongUseError."""
    if text is None:
        return None
    from projectors.sky import Cone, wrapped_ra

    ra, dec, radius = _numbers(text, "--at", "RA,DEC,R")
    _check_ra("--at", ra)
    _check_dec("--at", dec)
    if not 0 <= radius <= 180:
        raise WrongUseError(f"--at {text}: found the radius {radius:g}, wanted one from 0 to 180 degrees")
    return Cone(wrapped_ra(ra), dec, radius)


def read_box(text: str | None) -> "Box | None":
    """``RA1,DEC1,RA2,DEC2`` in degrees; raises WrongUseError."""
    if text is None:
        return None
    from projectors.sky import Box

    west, south, east, north = _numbers(text, "--box", "RA1,DEC1,RA2,DEC2")
    for ra in (west, east):
        _check_ra("--box", ra)
    for dec in (south, north):
        _check_dec("--box", dec)
    if south > north:
        raise WrongUseError(
            f"--box {text}: found DEC1 {south:g} north of DEC2 {north:g}, wanted it south of that"
        )
    return Box(west, south, east, north)


def read_bound(text: str) -> "QaBound":
    """``seeing<1.2``, ``grade=B``; raises WrongUseError."""
    from projectors.file_filter import COMPARISONS, QaBound

    places = [(text.find(sign), -len(sign), sign) for sign in COMPARISONS if sign in text]
    if not places:
        raise WrongUseError(f"--qa {text}: found no comparison, wanted one such as 'seeing<1.2' or 'grade=B'")
    sign = min(places)[2]
    check, _, value = (part.strip() for part in text.partition(sign))
    if not check or not value:
        raise WrongUseError(f"--qa {text}: wanted a check's name before {sign} and a value behind it")
    number = _number(value)
    if number is None and sign not in {"=", "!="}:
        raise WrongUseError(
            f"--qa {text}: found {value!r} after {sign}, wanted a number; texts can only be = or !="
        )
    return QaBound(check, sign, value if number is None else number)


def _numbers(text: str, option: str, wanted: str) -> list[float]:
    numbers = [_number(part) for part in text.split(",")]
    if len(numbers) != wanted.count(",") + 1 or None in numbers:
        raise WrongUseError(f"{option} {text}: wanted {wanted}, degrees with commas between")
    return [each for each in numbers if each is not None]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _check_ra(option: str, ra: float) -> None:
    if not -360 <= ra <= 720:
        raise WrongUseError(f"{option}: found the right ascension {ra:g}, wanted one from 0 to 360 degrees")


def _check_dec(option: str, dec: float) -> None:
    if not -90 <= dec <= 90:
        raise WrongUseError(f"{option}: found the declination {dec:g}, wanted one from -90 to 90 degrees")
