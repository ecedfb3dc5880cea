"""Cells of the row "broker" on a cluster of three: one is killed, or goes for good, and a small site decides on."""

from collections.abc import Callable
from functools import partial
from random import Random

from service.faults.arena import Arena
from service.faults.cell import Cell, Steps
from service.faults.cluster import BROKERS, Cluster, back, three_brokers
from service.faults.side_site import SideSite, leave, side_site

__all__ = ["CELLS"]

ROW = "broker"
_TIMES = 10  # each brings three servers up

Spoil = Callable[[Arena, Cluster, SideSite, Random], Steps]


def _on_three(spoil: Spoil, arena: Arena, dice: Random) -> Steps:
    cluster = yield from three_brokers(arena, dice)
    try:
        site = yield from side_site(arena, dice, kafka=cluster.bootstrap)
        try:
            yield from spoil(arena, cluster, site, dice)
        finally:
            site.decider.hold_down()
        yield from leave(site)
    finally:
        cluster.stop()


def _one_killed(arena: Arena, cluster: Cluster, site: SideSite, dice: Random) -> Steps:
    """Two go on without it, and take it back."""
    number = dice.randrange(BROKERS)
    cluster.brokers[number].kill()
    yield from site.decided()
    yield from back(cluster, number, arena)
    yield from site.decided()


def _one_removed(_arena: Arena, cluster: Cluster, site: SideSite, dice: Random) -> Steps:
    """It goes and does not come back; also a new decider gets on without it."""
    cluster.brokers[dice.randrange(BROKERS)].kill()
    yield from site.decided()
    site.restart()
    yield from site.decided()


def _cell(name: str, spoil: Spoil) -> Cell:
    return Cell(
        f"broker.three_{name}",
        ROW,
        partial(_on_three, spoil),
        ("kafka", "postgres", "side site"),
        times=_TIMES,
    )


CELLS = (_cell("one_killed", _one_killed), _cell("one_removed", _one_removed))
