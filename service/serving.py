"""Whether a site's roles are at work: each has found its servers and does what it is there for, and not only runs."""

import time

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from service.leadership import led
from service.wiring import Wiring

__all__ = ["await_serving", "not_serving"]

_WITHIN_S = 60.0
_LOOK_S = 0.1

_FOUND = text("""
    SELECT (SELECT count(*) FROM decider.lease WHERE expires_at > now()) AS leases,
        EXISTS (SELECT FROM decider.halt) AS is_halted,
        EXISTS (SELECT FROM pg_stat_activity WHERE application_name = :worker AND datname = current_database())
            AS has_worker
""")


def await_serving(wiring: Wiring, *, within_s: float = _WITHIN_S) -> list[str]:
    """Return once all roles are at work, so that whoever asks next does not wait for their start; else which are not.

    Roles take some 12 s of processor time to start, all at once, which whoever asks meanwhile has to share with them.
    """
    engine = wiring.engine(pool_size=1)
    until = time.monotonic() + within_s
    try:
        while (missing := _looked(wiring, engine)) and time.monotonic() < until:
            time.sleep(_LOOK_S)
        return missing
    finally:
        engine.dispose()


def not_serving(wiring: Wiring, engine: Engine) -> list[str]:
    """What is not at work yet. Of a site that is halted nothing is wanted: ``status`` and ``recover`` explain that."""
    site, partitions = wiring.settings.site, sum(wiring.settings.partitions.values())
    leaders = {f"{site}.{name}": name for name in ("projector", "dispatch", "timers")}
    with engine.connect() as connection:
        found = connection.execute(_FOUND, {"worker": "meridian-worker"}).one()
        leading = led(connection, leaders)
    if found.is_halted:
        return []
    missing = [name for place, name in leaders.items() if place not in leading]
    if found.leases < partitions:
        missing.insert(0, f"decider (of {found.leases} of {partitions} partitions)")
    return missing if found.has_worker else [*missing, "worker"]


def _looked(wiring: Wiring, engine: Engine) -> list[str]:
    try:
        return not_serving(wiring, engine)
    except SQLAlchemyError:
        return ["the database"]
