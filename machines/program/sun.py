"""How large the Sun looks on a day."""

import math
from datetime import UTC, datetime
from functools import lru_cache

__all__ = ["apparent_radius_arcsec"]

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_AT_ONE_AU_ARCSEC = 959.63  # Auwers' value, as almanacs use it


def apparent_radius_arcsec(at: datetime) -> float:
    """The Sun's apparent radius from the centre of the Earth: 976″ at perihelion, 944″ at aphelion.

    The distance is the Astronomical Almanac's low-precision formula (0.0003 AU from 1950 to 2050, which is 0.3″).
    """
    return _on_day((at - _J2000).days)


@lru_cache(maxsize=4096)
def _on_day(day: int) -> float:
    anomaly = math.radians(357.529 + 0.98560028 * (day + 0.5))
    distance_au = 1.00014 - 0.01671 * math.cos(anomaly) - 0.00014 * math.cos(2 * anomaly)
    return _AT_ONE_AU_ARCSEC / distance_au
