"""The decider's row of the matrix: killed, frozen and failed at each of its steps, doubled, and its cache spoilt."""

from collections.abc import Callable
from functools import partial
from random import Random

from service.faults.arena import Arena
from service.faults.cell import QUICK, Cell, Steps
from service.faults.intruding import intruding
from service.faults.tampering import execute, halted_and_recovered

__all__ = ["CELLS", "POINTS"]

ROW = "decider"
POINTS = (
    "after_poll", "after_begin", "after_send", "before_offsets", "after_offsets", "during_commit", "after_commit",
    "before_snapshot",
)  # fmt: skip

_NTH = 6
_TAKEN_OVER_S = 30.0


def _hit(point: str, action: str) -> Callable[[Arena, Random], Steps]:
    def inject(arena: Arena, dice: Random) -> Steps:
        yield from arena.hit("decider", f"decider.{point}:{action}:{dice.randint(1, _NTH)}")

    return inject


def _freeze(point: str, shortest_s: float, longest_s: float) -> Callable[[Arena, Random], Steps]:
    """Stopped at a step, taken over by the other, and thawed as a zombie that goes on where it was."""

    def inject(arena: Arena, dice: Random) -> Steps:
        yield from arena.hit("decider", f"decider.{point}:stop:{dice.randint(1, _NTH)}")
        yield from arena.until(
            lambda: arena.stopped("decider") is not None, within_s=5, what="a frozen decider"
        )
        zombie = arena.stopped("decider")
        mark = arena.watch.mark()
        try:
            yield from arena.pause(dice.uniform(shortest_s, longest_s))
            # A partition whose transaction was open is decided on once the successor has fenced it.
            yield from arena.until(
                lambda: arena.watch.missing(mark, ("decider",)) is None,
                within_s=_TAKEN_OVER_S,
                what="a takeover while the owner is frozen",
            )
        finally:
            if zombie is not None:
                zombie.thaw()

    return inject


def _spoilt(*statements: str) -> Callable[[Arena, Random], Steps]:
    """The store is changed behind the deciders' backs while none runs."""

    def inject(arena: Arena, dice: Random) -> Steps:
        partition = dice.randrange(arena.settings.partitions["file"])
        with _deciders_down(arena) as down:
            yield from down
            execute(arena, statements, {"p": partition})

    return inject


class _deciders_down:  # noqa: N801 - used as a context, and reads as one
    """All deciders held down inside; the context is what to yield from until they are gone."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena

    def __enter__(self) -> Steps:
        for each in self._arena.of("decider"):
            each.hold_down()
        return self._arena.pause(0.2)

    def __exit__(self, *_: object) -> None:
        for each in self._arena.of("decider"):
            each.release()


def _older_copy(arena: Arena, dice: Random) -> Steps:
    """Snapshots, outcomes and watermark as they were some seconds ago, as after a restored database."""
    partition = dice.randrange(arena.settings.partitions["file"])
    execute(arena, _COPY, {"p": partition})
    yield from arena.pause(dice.uniform(1.0, 4.0))
    with _deciders_down(arena) as down:
        yield from down
        execute(arena, _RESTORE, {"p": partition})


def _ahead(arena: Arena, dice: Random) -> Steps:
    """Snapshots that know more than the ledger: a halt, left by the command that it names."""
    partition = dice.randrange(arena.settings.partitions["file"])
    with _deciders_down(arena) as down:
        yield from down
        execute(arena, (_AHEAD,), {"p": partition})
    yield from halted_and_recovered(arena, f"decider file/{partition} SNAPSHOT_AHEAD")


_WHERE = "WHERE machine = 'file' AND partition = :p"
_GONE = (f"DELETE FROM decider.snapshot {_WHERE}", f"DELETE FROM decider.watermark {_WHERE}")  # noqa: S608
_CORRUPT = (f"UPDATE decider.snapshot SET state = left(state, length(state) / 2) {_WHERE}",)  # noqa: S608
_OTHER_VERSION = (f"UPDATE decider.watermark SET fold_version = fold_version + 1000 {_WHERE}",)  # noqa: S608
_AHEAD = f"UPDATE decider.watermark SET next_offset = next_offset + 1000000 {_WHERE}"  # noqa: S608
_TABLES = ("snapshot", "outcome", "watermark")
_COPY = tuple(
    statement
    for name in _TABLES
    for statement in (
        f"DROP TABLE IF EXISTS public.older_{name}",
        f"CREATE TABLE public.older_{name} AS SELECT * FROM decider.{name} {_WHERE}",  # noqa: S608
    )
)
_RESTORE = tuple(
    statement
    for name in _TABLES
    for statement in (
        f"DELETE FROM decider.{name} {_WHERE}",  # noqa: S608
        f"INSERT INTO decider.{name} SELECT * FROM public.older_{name}",  # noqa: S608
        f"DROP TABLE public.older_{name}",
    )
)


def _cell(name: str, inject: Callable[[Arena, Random], Steps], *, share: int = 1) -> Cell:
    return Cell(f"decider.{name}", ROW, inject, disturbs=("decider",), share=share)


def _with_servers(name: str, inject: Callable[[Arena, Random], Steps], *, times: int | None = None) -> Cell:
    """The servers have to answer while it goes on: for a change of their contents, or for who takes over."""
    return Cell(f"decider.{name}", ROW, inject, disturbs=("decider", "postgres", "kafka"), times=times)


CELLS = (
    *(_cell(f"{point}.kill", _hit(point, "kill"), share=QUICK) for point in POINTS),
    *(_cell(f"{point}.exception", _hit(point, "exception"), share=QUICK) for point in POINTS),
    *(_with_servers(f"{point}.freeze", _freeze(point, 6.0, 12.0)) for point in POINTS),
    *(_with_servers(f"{point}.freeze_60s", _freeze(point, 60.0, 60.0), times=1) for point in POINTS),
    _cell("two_owners", partial(intruding, "decider")),
    _with_servers("snapshot.missing", _spoilt(*_GONE)),
    _with_servers("snapshot.old", _older_copy),
    _with_servers("snapshot.corrupt", _spoilt(*_CORRUPT)),
    _with_servers("snapshot.other_version", _spoilt(*_OTHER_VERSION)),
    _with_servers("snapshot.ahead", _ahead),
)
