"""The projector's row of the matrix: killed and failed at each of its steps, doubled, cut off at COMMIT, a hole."""

from collections.abc import Callable
from functools import partial
from random import Random

from service.faults.arena import Arena
from service.faults.cell import QUICK, Cell, Steps
from service.faults.intruding import intruding
from service.faults.tampering import execute, rebuild, recover
from service.faults.tcp_proxy import AFTER_COMMIT, AT_COMMIT, Cut

__all__ = ["CELLS", "POINTS"]

ROW = "projector"
POINTS = (
    "after_fetch",
    "mid_batch",
    "before_compare_and_set",
    "before_commit",
    "during_commit",
    "after_commit",
)

_NTH = 6
_BEHIND_S = 2.0
_STOPPED_S = 5.0
_CUT_S = 30.0
_REBUILT_S = 240.0
_HEALS = ("decider", "projector")
_HALT = "projector all/-1 SEQUENCE_HOLE"


def _hit(point: str, action: str, *, in_a_row: int = 1) -> Callable[[Arena, Random], Steps]:
    def inject(arena: Arena, dice: Random) -> Steps:
        for _ in range(in_a_row):
            nth = 1 if in_a_row > 1 else dice.randint(1, _NTH)
            yield from arena.hit("projector", f"projector.{point}:{action}:{nth}")

    return inject


def _zombie(point: str) -> Callable[[Arena, Random], Steps]:
    """Frozen at a step; another one takes over and goes on from there; then it wakes with its old batch."""

    def inject(arena: Arena, dice: Random) -> Steps:
        yield from arena.hit("projector", f"projector.{point}:stop:{dice.randint(1, _NTH)}")
        yield from arena.until(
            lambda: arena.stopped("projector") is not None, within_s=_STOPPED_S, what="a frozen projector"
        )
        zombie = arena.stopped("projector")
        intruder = arena.intruder("projector")
        try:
            mark = arena.watch.mark()
            yield from arena.until(
                lambda: arena.watch.missing(mark, _HEALS) is None,
                within_s=40,
                what="the second projector going on",
            )
            if zombie is not None:
                zombie.thaw()
            yield from arena.pause(dice.uniform(1.0, 3.0))
        finally:
            if zombie is not None:
                zombie.thaw()
            intruder.kill()

    return inject


def _cut(cut: Cut) -> Callable[[Arena, Random], Steps]:
    def inject(arena: Arena, _dice: Random) -> Steps:
        proxy = arena.postgres_proxies["projector"]
        before = proxy.cuts_done
        proxy.arm(cut)
        try:
            yield from arena.until(lambda: proxy.cuts_done > before, within_s=_CUT_S, what="a COMMIT to cut")
        finally:
            proxy.heal()

    return inject


def _hole(arena: Arena, dice: Random) -> Steps:
    """Records are passed over: it must halt, name the place, and go on once that is put right."""
    partition = dice.randrange(arena.settings.partitions["file"])
    (projector,) = arena.of("projector")
    projector.hold_down()
    try:
        yield from arena.pause(_BEHIND_S)
        found = arena.watch.seen.projected.get(partition, 0)
        beyond = arena.watch.seen.saved.get(partition, 0)
        execute(arena, (_MOVE,), {"p": partition, "to": beyond})
    finally:
        projector.release()
    yield from arena.until(lambda: _HALT in arena.watch.seen.halts, within_s=30, what=f"the halt {_HALT}")
    projector.hold_down()
    try:
        if arena.watch.seen.projected.get(partition) == beyond:
            execute(arena, (_MOVE,), {"p": partition, "to": found})
        else:  # some records behind the hole stand in the views by now: they are made anew
            rebuild(arena)
        recover(arena)
    finally:
        projector.release()


def _cell(name: str, inject: Callable[[Arena, Random], Steps], *, share: int = 1) -> Cell:
    return Cell(f"projector.{name}", ROW, inject, disturbs=("projector",), heals=_HEALS, share=share)


def _taken_over(name: str, inject: Callable[[Arena, Random], Steps]) -> Cell:
    """The servers have to answer while another one takes over."""
    return Cell(f"projector.{name}", ROW, inject, disturbs=("projector", "postgres", "kafka"), heals=_HEALS)


_MOVE = (
    "UPDATE projection.position SET next_offset = :to "
    "WHERE follower = 'projector' AND machine = 'file' AND partition = :p"
)

CELLS = (
    *(_cell(f"{point}.kill", _hit(point, "kill"), share=QUICK) for point in POINTS),
    *(_cell(f"{point}.exception", _hit(point, "exception"), share=QUICK) for point in POINTS),
    _cell("same_batch_three_times", _hit("before_commit", "kill", in_a_row=3)),
    *(_taken_over(f"{point}.freeze", _zombie(point)) for point in POINTS),
    _cell("two_projectors", partial(intruding, "projector")),
    _cell("cut_before_commit", _cut(AT_COMMIT), share=QUICK),
    _cell("cut_after_commit", _cut(AFTER_COMMIT), share=QUICK),
    Cell("projector.hole", ROW, _hole, ("projector", "postgres"), heals=_HEALS, heal_within_s=_REBUILT_S),
)
