"""The Earth's rotation by the tables that astropy ships: the same answer on every day, and no asking the network."""

from functools import cache

__all__ = ["use_shipped_tables"]


@cache
def use_shipped_tables() -> None:
    """Have astropy take its own IERS tables, whatever their age.

    Left alone it fetches newer ones, and where there is no network it refuses every time and every direction on the
    sky once its tables are 30 days old (``astropy.utils.iers``). What they tell wrongly by then is far below 1 s.
    """
    from astropy.utils import iers

    iers.conf.auto_download = False
    iers.conf.auto_max_age = None
    iers.conf.iers_degraded_accuracy = "ignore"
