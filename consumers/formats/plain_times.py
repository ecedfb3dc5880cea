"""Times of our own days as most headers have them, in UTC and TAI by the table of leap seconds: no library is asked."""

import re
from datetime import datetime, timedelta
from functools import cache

__all__ = ["plain_time"]

# To the microsecond at most, and no 60th second: what is rounded or leaps is left to astropy.
_PLAIN = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?", re.ASCII)
_WHOLE_SECONDS_SINCE, _KNOWN_UNTIL = 1972, 2999


def plain_time(text: str) -> tuple[str, str] | None:
    """ISO 8601 in UTC and in TAI, to the microsecond, of a time in UTC; None for what has to be looked at closer."""
    found = _PLAIN.fullmatch(text)
    if found is None or not _WHOLE_SECONDS_SINCE <= int(found[1]) <= _KNOWN_UNTIL:
        return None
    try:
        microseconds = int((found[7] or "").ljust(6, "0"))
        utc = datetime.fromisoformat(found[0][:19]) + timedelta(microseconds=microseconds)
    except ValueError:
        return None  # no such day or hour: astropy says what is wrong with it
    tai = utc + timedelta(seconds=_tai_minus_utc(utc.year, utc.month))
    return f"{utc.isoformat(timespec='microseconds')}Z", tai.isoformat(timespec="microseconds")


@cache
def _tai_minus_utc(year: int, month: int) -> int:
    """Whole seconds; it changes at the beginning of a month only."""
    return max(seconds for since, seconds in _leaps() if since <= (year, month))


@cache
def _leaps() -> tuple[tuple[tuple[int, int], int], ...]:
    from astropy.utils.iers import LeapSeconds

    rows = LeapSeconds.from_erfa()
    return tuple(((int(row["year"]), int(row["month"])), int(row["tai_utc"])) for row in rows)
