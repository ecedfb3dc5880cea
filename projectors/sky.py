"""Places on the sky as conditions on ``file_metadata``: a cone or a box, right at the poles and across 0 h.

The index over ``point(ra_deg, dec_deg)`` finds candidates by rectangles; which of them are inside, the sphere decides.
Degrees throughout, ICRS as the columns are.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Box", "Cone", "Rectangle", "wrapped_ra"]

_MARGIN_DEG = 1e-9
"""Rounding must not leave out what lies on the edge; the sphere decides afterwards."""


class Rectangle(NamedTuple):
    """From ``west`` to ``east`` and ``south`` to ``north`` without crossing 0 h, in degrees."""

    west: float
    south: float
    east: float
    north: float


def wrapped_ra(ra_deg: float) -> float:
    """The same right ascension from 0 up to, and without, 360."""
    wrapped = ra_deg % 360.0
    return 0.0 if wrapped == 360.0 else wrapped  # what is just below zero rounds up to all of the circle


@dataclass(frozen=True, slots=True)
class Cone:
    """All within ``radius_deg`` of a place."""

    ra_deg: float
    dec_deg: float
    radius_deg: float

    def rectangles(self) -> tuple[Rectangle, ...]:
        """One, two where it crosses 0 h, or the whole circle where it holds a pole."""
        radius = self.radius_deg + _MARGIN_DEG
        south, north = self.dec_deg - radius, self.dec_deg + radius
        if south <= -90 or north >= 90:
            return (Rectangle(0.0, max(south, -90.0), 360.0, min(north, 90.0)),)
        # Meridians touch a circle north of its middle (on the northern sky): wider than radius / cos(dec).
        ratio = math.sin(math.radians(radius)) / math.cos(math.radians(self.dec_deg))
        half = math.degrees(math.asin(min(1.0, ratio))) + _MARGIN_DEG
        return _spread(self.ra_deg - half, self.ra_deg + half, south, north)

    def condition(self, prefix: str = "at") -> tuple[str, dict[str, Any]]:
        """SQL on the row ``m`` and its values."""
        (found, values), (exact, own) = self.nearly(prefix), self.exactly(prefix)
        return f"{found} AND {exact}", values | own

    @property
    def share(self) -> float:
        """Of the whole sky."""
        return math.sin(math.radians(min(self.radius_deg, 180.0)) / 2) ** 2

    def nearly(self, prefix: str = "at") -> tuple[str, dict[str, Any]]:
        """What the index of places can answer: all of them, and some more."""
        return _within(self.rectangles(), prefix)

    def exactly(self, prefix: str = "at") -> tuple[str, dict[str, Any]]:
        """What the sphere says, without an index."""
        # The haversine keeps its digits where a cosine of the distance would have lost them.
        exact = (
            f"power(sind((m.dec_deg - :{prefix}_dec) / 2), 2) + cosd(m.dec_deg) * cosd(:{prefix}_dec)"
            f" * power(sind((m.ra_deg - :{prefix}_ra) / 2), 2) <= :{prefix}_hav"
        )
        hav = math.sin(math.radians(self.radius_deg) / 2) ** 2 * (1 + 1e-12) + 1e-25
        own = {f"{prefix}_ra": self.ra_deg, f"{prefix}_dec": self.dec_deg, f"{prefix}_hav": hav}
        return exact, own


@dataclass(frozen=True, slots=True)
class Box:
    """From ``west_deg`` eastward to ``east_deg``, through 0 h where west is the greater; edges belong to it."""

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float

    def rectangles(self) -> tuple[Rectangle, ...]:
        """One, or two where it crosses 0 h."""
        width = wrapped_ra(self.east_deg - self.west_deg)
        if width == 0.0 and self.east_deg != self.west_deg:
            width = 360.0
        west = wrapped_ra(self.west_deg)
        return _spread(west, west + width, self.south_deg, self.north_deg)

    def condition(self, prefix: str = "box") -> tuple[str, dict[str, Any]]:
        """SQL on the row ``m`` and its values."""
        (found, values), (exact, _) = self.nearly(prefix), self.exactly(prefix)
        return f"{found} AND {exact}", values

    @property
    def share(self) -> float:
        """Of the whole sky."""
        sines = math.sin(math.radians(self.north_deg)) - math.sin(math.radians(self.south_deg))
        return sum(each.east - each.west for each in self.rectangles()) / 360.0 * sines / 2

    def nearly(self, prefix: str = "box") -> tuple[str, dict[str, Any]]:
        """What the index of places can answer: all of them, and some more."""
        return _within(self.rectangles(), prefix)

    def exactly(self, prefix: str = "box") -> tuple[str, dict[str, Any]]:
        """The same by columns, without an index."""
        values = _within(self.rectangles(), prefix)[1]
        exact = " OR ".join(
            f"(m.ra_deg BETWEEN :{prefix}{n}_west AND :{prefix}{n}_east"
            f" AND m.dec_deg BETWEEN :{prefix}{n}_south AND :{prefix}{n}_north)"
            for n in range(len(self.rectangles()))
        )
        return f"({exact})", values


def _spread(west: float, east: float, south: float, north: float) -> tuple[Rectangle, ...]:
    if east - west >= 360:
        return (Rectangle(0.0, south, 360.0, north),)
    west, width = wrapped_ra(west), east - west
    east = west + width
    if east < 360:
        return (Rectangle(west, south, east, north),)
    return Rectangle(west, south, 360.0, north), Rectangle(0.0, south, east - 360.0, north)


def _within(rectangles: tuple[Rectangle, ...], prefix: str) -> tuple[str, dict[str, Any]]:
    """What the index can answer: PostgreSQL's own points and boxes."""
    parts: list[str] = []
    values: dict[str, Any] = {}
    for n, each in enumerate(rectangles):
        name = f"{prefix}{n}"
        parts.append(
            f"point(m.ra_deg, m.dec_deg) <@ box(point(:{name}_west, :{name}_south), point(:{name}_east, :{name}_north))"
        )
        values |= {f"{name}_{edge}": value for edge, value in each._asdict().items()}
    return f"({' OR '.join(parts)})", values
