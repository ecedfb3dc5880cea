"""An audit of the arena between injections: the load rests, everything catches up, and the counters are read."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import text

from service.faults.arena import Arena
from service.faults.load import Load
from service.faults.tally import Counters

__all__ = ["Audited", "audited"]


@dataclass(frozen=True)
class Audited:
    """What was found, and one line about it."""

    counters: Counters
    line: str
    offenders: tuple[str, ...] = ()
    n: dict[str, int] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """All zero."""
        return not any(self.counters.values())


def audited(arena: Arena, load: Load, *, settle_s: float) -> Audited:
    """Rest, settle, count. What has not settled in time is stuck."""
    began = time.monotonic()
    load.rest()
    mark = {}
    while time.monotonic() - began < settle_s:
        arena.tend()
        mark = dict(load.progress.acknowledged)
        if load.is_at_rest and _has_caught_up(arena, mark, load.progress.announced):
            break
        time.sleep(0.2)
    else:
        sent = f"acknowledged {mark}, announced {load.progress.announced}"
        reason = f"after {settle_s:.0f} s at rest: {arena.watch.seen}, {sent}"
        return Audited({"stuck": 1}, f"       audit: stuck {reason}", (f"stuck {reason}",))
    counters, offenders = _counted(arena)
    told = ", ".join(f"{name} {count}" for name, count in counters.items())
    line = f"       audit: {told}; {load.progress.requests} requests, {load.progress.announced} files"
    return Audited(counters, f"{line}, {time.monotonic() - began:.1f} s", tuple(offenders))


def _has_caught_up(arena: Arena, acknowledged: dict[int, int], announced: int) -> bool:
    seen = arena.watch.seen
    return (
        all(seen.next_request.get(number, 0) > offset for number, offset in acknowledged.items())
        and all(seen.projected.get(number, 0) >= end for number, end in seen.saved.items())
        and all(seen.dispatched.get(number, 0) >= end for number, end in seen.saved.items())
        and seen.complete >= announced
    )


def _counted(arena: Arena) -> tuple[Counters, Iterable[str]]:
    engine = arena.wiring.engine(pool_size=1)
    try:
        with engine.connect() as connection:
            found = {name: list(connection.execute(text(query)).scalars()) for name, query in _CHECKS.items()}
    finally:
        engine.dispose()
    return {name: len(rows) for name, rows in found.items()}, [
        f"{n} {row}" for n, rows in found.items() for row in rows
    ][:50]


_CHECKS = {
    "duplicated": """
        SELECT subject || ' ' || sequence FROM projection.ledger GROUP BY machine, subject, sequence HAVING count(*) > 1
    """,
    "out_of_order": """
        SELECT subject FROM projection.ledger GROUP BY machine, subject HAVING count(*) <> max(sequence)
    """,
    "divergent": "SELECT subject FROM projection.tainted",
}
