"""The clock that roles read: the machine's, or, in a build for tests, one that goes wrong by as much as it is told."""

import os
from datetime import UTC, datetime, timedelta
from functools import cache

from events.breakable import order

__all__ = ["SHIFT", "now"]

SHIFT = "MERIDIAN_CLOCK_SHIFT_S"
"""Seconds by which this process's clock is wrong, below zero: slow. Only where `may_break` says so."""


def now() -> datetime:
    """Aware UTC."""
    return datetime.now(UTC) + _shift()


@cache
def _shift() -> timedelta:
    asked = order(os.environ, SHIFT)
    return timedelta(seconds=float(asked)) if asked else timedelta()
