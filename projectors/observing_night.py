"""Nights as streams count them: a UTC day, a day that begins at 12 h UTC (Rubin), or a day in Hawaii (DKIST)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

__all__ = ["BEGINS_AFTER", "Night", "night_of"]

BEGINS_AFTER = {"utc": timedelta(0), "utc-12h": timedelta(hours=12), "hawaii": timedelta(hours=10)}
"""How long after 0 h UTC of its date a night begins, by the stream's ``observing_day``."""


@dataclass(frozen=True, slots=True)
class Night:
    """One night: its date as the observatory writes it, and from when until when (exclusive) it is, in UTC."""

    day: date
    begin: datetime
    end: datetime


def night_of(when: datetime | date, rule: str) -> Night:
    """The night of this date, or the one that holds this moment. Raises KeyError for a rule that there is not."""
    begins_after = BEGINS_AFTER[rule]
    day = (when.astimezone(UTC) - begins_after).date() if isinstance(when, datetime) else when
    begin = datetime.combine(day, time(), UTC) + begins_after
    return Night(day, begin, begin + timedelta(days=1))
