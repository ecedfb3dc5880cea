"""Angles as headers write them: a number of degrees, or a sexagesimal text in degrees or hours."""

import re

from consumers.formats.inspection import Scalar

__all__ = ["degrees"]

SEXAGESIMAL = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>\d{1,3})[: ](?P<minutes>\d{1,2})[: ](?P<seconds>\d{1,2}(?:\.\d*)?)", re.ASCII
)


def degrees(value: Scalar, *, per_unit: float) -> float | None:
    """Degrees; a text counts units of ``per_unit`` degrees (15 for hours). None for what is no angle."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = SEXAGESIMAL.fullmatch(str(value or "").strip())
    if match is None:
        return None
    size = int(match["whole"]) + int(match["minutes"]) / 60 + float(match["seconds"]) / 3600
    return round((-size if match["sign"] == "-" else size) * per_unit, 9)
