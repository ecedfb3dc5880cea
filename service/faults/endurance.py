"""Half a million requests with random kills of everything, and the views rebuilt at the end."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from random import Random

from service.faults.arena import Arena
from service.faults.cell import Cell, Steps
from service.faults.load import Rates
from service.faults.run import Order
from service.settings import PROJECT

__all__ = ["CELLS", "differing_views", "enduring"]

ROW = "endurance"
_DOWN_S = 3.0
_REBUILD_S = 1800.0
_SETTLE_S = 900.0
REQUESTS_A_SECOND = 500.0
"""What a machine of two cores bears beside everything else that runs on it."""


def _server(name: str) -> Callable[[Arena, Random], Steps]:
    def inject(arena: Arena, dice: Random) -> Steps:
        arena.servers[name].kill()
        yield from arena.pause(dice.uniform(0.0, _DOWN_S))
        yield from arena.restarted(name)

    return inject


def _role(role: str) -> Callable[[Arena, Random], Steps]:
    def inject(arena: Arena, dice: Random) -> Steps:
        dice.choice(arena.of(role)).kill()
        yield

    return inject


CELLS = (
    *(Cell(f"endurance.{name}.kill", ROW, _server(name), (name,)) for name in ("kafka", "postgres", "s3")),
    *(
        Cell(f"endurance.{role}.kill", ROW, _role(role), (role,))
        for role in ("decider", "projector", "worker", "consumers", "timers")
    ),
)


def enduring(order: Order, *, requests: int, kills: int) -> Order:
    """The same order for so many kills, spread over so many requests, and one audit at the end."""
    spread_s = requests / REQUESTS_A_SECOND / max(1, kills)
    return replace(
        order,
        cells=CELLS,
        injections=kills,
        seeds=None,
        every_s=(0.5 * spread_s, 1.5 * spread_s),
        audit_every=kills + 1,
        settle_s=_SETTLE_S,
        at_end=differing_views,
        rates=Rates(requests=REQUESTS_A_SECOND, files=1.0, requests_at_most=requests),
    )


def differing_views(arena: Arena) -> str | None:
    """What ``meridian projection verify`` says of the live views beside a fresh fold of the ledger; None: equal."""
    settings = arena.settings
    environment = {
        **os.environ,
        **arena.wiring.endpoints.environment(),
        "MERIDIAN_SITE": settings.site,
        "MERIDIAN_DATA": str(settings.data),
        "MERIDIAN_S3_BUCKET": settings.s3_bucket,
        "PYTHONPATH": str(PROJECT),
        "PYTHONSAFEPATH": "1",
    }
    command = [sys.executable, "-m", "service", "projection", "verify", "all", "--fresh", "--rows"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=_REBUILD_S
    )
    return (
        None
        if done.returncode == 0
        else f"rebuilt views differ: {(done.stderr or done.stdout).strip()[-1000:]}"
    )
