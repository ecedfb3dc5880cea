"""Where a frame of the Sun points, from the keywords of its coordinates: the box of its corners, and of many frames."""

import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

__all__ = ["Box", "box_of", "union"]

_AXES_AT_MOST = 9
_ARCSEC = {"arcsec": 1.0, "deg": 3600.0, "arcmin": 60.0}
_LONGITUDE, _LATITUDE = "HPLN", "HPLT"
# Helioprojective positions, the whole sky of them; what is beyond is a header that was not filled in.
_FARTHEST_ARCSEC = 180 * 3600.0


class Box(NamedTuple):
    """From the least to the greatest longitude and latitude, in arcseconds from the Sun's centre."""

    x_low: float
    y_low: float
    x_high: float
    y_high: float

    def __str__(self) -> str:
        """As catalogues write it: two opposite corners."""
        return f"({self.x_high:.2f},{self.y_high:.2f}),({self.x_low:.2f},{self.y_low:.2f})"


class _Axis(NamedTuple):
    """One axis of coordinates: what its pixels come to, and by how much it changes from pixel to pixel of each axis."""

    value: float
    steps: tuple[float, ...]

    def at(self, offsets: tuple[float, ...]) -> float:
        return self.value + sum(step * offset for step, offset in zip(self.steps, offsets, strict=True))


def box_of(header: Mapping[str, Any]) -> Box | None:
    """The box of a frame's outer pixel edges; None where its header does not say where it points.

    Linear in CRPIX, CRVAL, CDELT and PC (FITS paper I): over the 5 arcminutes that an instrument sees, the tangent
    plane differs from that by less than a thousandth of an arcsecond.
    """
    axes = range(1, _count(header) + 1)
    sizes = [_number(header.get(f"NAXIS{axis}"), 1.0) for axis in axes]
    pixels = [_number(header.get(f"CRPIX{axis}"), 0.0) for axis in axes]
    x, y = (_axis(header, axes, wanted) for wanted in (_LONGITUDE, _LATITUDE))
    if x is None or y is None or None in sizes or None in pixels:
        return None
    edges = [
        (0.5 - (pixel or 0.0), (size or 1.0) + 0.5 - (pixel or 0.0))
        for size, pixel in zip(sizes, pixels, strict=True)
    ]
    corners = [(x.at(corner), y.at(corner)) for corner in product(*edges)]
    xs, ys = zip(*corners, strict=True)
    found = Box(min(xs), min(ys), max(xs), max(ys))
    return found if all(math.isfinite(each) and abs(each) <= _FARTHEST_ARCSEC for each in found) else None


def union(one: Box | None, other: Box | None) -> Box | None:
    """The box of both; of one alone where the other is not known."""
    if one is None or other is None:
        return one or other
    return Box(
        min(one.x_low, other.x_low),
        min(one.y_low, other.y_low),
        max(one.x_high, other.x_high),
        max(one.y_high, other.y_high),
    )


def _count(header: Mapping[str, Any]) -> int:
    """How many axes of coordinates there are; none where nobody could look through them."""
    told = header.get("WCSAXES", header.get("NAXIS"))
    is_count = isinstance(told, int) and not isinstance(told, bool) and 0 < told <= _AXES_AT_MOST
    return int(told) if is_count and told is not None else 0


def _axis(header: Mapping[str, Any], axes: range, wanted: str) -> _Axis | None:
    number = next(_named(header, axes, wanted), None)
    if number is None:
        return None
    scale = _ARCSEC.get(str(header.get(f"CUNIT{number}", "")).strip())
    value, step = (
        _number(header.get(f"{name}{number}"), default) for name, default in (("CRVAL", 0.0), ("CDELT", 1.0))
    )
    turns = [_number(header.get(f"PC{number}_{axis}"), float(axis == number)) for axis in axes]
    if scale is None or value is None or step is None or None in turns:
        return None
    return _Axis(value * scale, tuple(scale * step * (turn or 0.0) for turn in turns))


def _named(header: Mapping[str, Any], axes: range, wanted: str) -> Iterator[int]:
    return (axis for axis in axes if str(header.get(f"CTYPE{axis}", "")).startswith(wanted))


def _number(value: Any, default: float) -> float | None:
    """What is not said is as FITS takes it for granted; None: something else than a number stands there."""
    if value is None:
        return default
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None
