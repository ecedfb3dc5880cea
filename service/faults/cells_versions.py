"""Old and new code at once: a site goes over to a newer build process by process; an old one that comes back halts.

"Old" is the build that runs the matrix, "new" is made of it with a changed event and a changed fold. It is a site of
its own, since what the new build writes is not for the old one to read, and the harness is of the old one.
"""

from functools import partial
from pathlib import Path
from random import Random

from sqlalchemy import text

from service.faults.arena import Arena
from service.faults.aside import aside, patiently
from service.faults.cell import Cell, CellFailedError, Steps
from service.faults.newer_build import newer_build
from service.faults.own_streams import TROUBLES
from service.faults.role_process import RoleProcess
from service.faults.side_site import SUBJECT, SideSite, leave, side_site

__all__ = ["CELLS"]

_SHOWN_S = 60.0
_STOPPED_S = 20.0


def _old_and_new_code(arena: Arena, dice: Random) -> Steps:
    tree = arena.root / "newer"
    if not tree.exists():
        yield from aside(partial(newer_build, tree))
    site = yield from side_site(arena, dice)
    try:
        yield from _go_over(site, tree, dice)
    finally:
        site.hold_down()
    yield from leave(site)


def _go_over(site: SideSite, tree: Path, dice: Random) -> Steps:
    """Readers first, as a release says; then who writes. In between each kind of code meets the other's work."""
    old_views, old_decider = site.beside("projector"), site.decider
    yield from site.arrived()
    yield from _noted_and_shown(site)
    yield from _stopped(site, old_views)
    new_views = site.beside("projector", tree=tree)
    yield from _noted_and_shown(site)  # decided by the old code, shown by the new
    new_decider = site.beside("decider", tree=tree)
    yield from site.tended(site.arena.pause(dice.uniform(0.0, 3.0)))
    if dice.random() < 0.5:
        old_decider.hold_down()
    else:
        yield from _stopped(site, old_decider)
    yield from _noted_and_shown(site)  # from snapshots of another fold, behind a ledger of the old code
    yield from _come_back(site, (old_decider, new_decider))
    yield from _come_back(site, (old_views, new_views))


def _come_back(site: SideSite, pair: tuple[RoleProcess, RoleProcess]) -> Steps:
    """An old process in the place of the new one: it stops before what it can't read, and nothing is harmed."""
    old, new = pair
    yield from site.noted()
    new.hold_down()
    old.release()
    old.start()
    if old.role == "projector":
        yield from site.noted()  # something that only the old one is there to read
    yield from site.halted("LEDGER_FROM_FUTURE")
    yield from _stopped(site, old)
    new.release()
    new.start()
    if not (yield from site.recovered()):
        raise CellFailedError("meridian recover --apply leads past nothing; wanted the way out of this halt")
    yield from _noted_and_shown(site)


def _noted_and_shown(site: SideSite) -> Steps:
    yield from site.noted()
    yield from site.tended(
        patiently(partial(_shown, site), what="the views", errors=TROUBLES, within_s=_SHOWN_S)
    )


def _shown(site: SideSite) -> None:
    """The views have each record of the one file once, in its order, and stand where the decider does."""
    with site.engine.connect() as connection:
        found = list(connection.execute(_SHOWN, {"subject": SUBJECT}).scalars())
        decided = connection.execute(_DECIDED).scalar_one()
    if found != list(range(1, len(found) + 1)):
        raise CellFailedError(f"{SUBJECT}: the views show the records {found}, wanted each one once")
    if len(found) != decided:
        raise TimeoutError(f"{SUBJECT}: the views show {len(found)} of {decided} records")


_SHOWN = text("SELECT sequence FROM projection.ledger WHERE subject = :subject ORDER BY ledger_offset")
_DECIDED = text("SELECT count(*) FROM decider.outcome")


def _stopped(site: SideSite, process: RoleProcess) -> Steps:
    """Told to stop, as a rolling restart does."""
    process.is_held_down = True
    process.terminate()
    yield from site.tended(
        site.arena.until(
            lambda: not process.is_alive, within_s=_STOPPED_S, what=f"{process.name} stopped within 20 s"
        )
    )


CELLS = (
    # It needs the servers to stand still, and troubles nobody.
    Cell(
        "operations.old_and_new_code",
        "operations",
        _old_and_new_code,
        ("kafka", "postgres", "side site"),
        heal_within_s=90.0,
    ),
)
