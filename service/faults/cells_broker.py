"""Cells of the row "broker": killed, frozen while a commit waits for it, its disk full, its topics changed."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from service.faults.arena import Arena
from service.faults.aside import aside, patiently
from service.faults.cell import Cell, CellFailedError, NotFiredError, Steps
from service.faults.foreign_hand import add_partitions, delete_topics
from service.faults.own_streams import TROUBLES
from service.faults.side_site import SideSite, leave, side_site
from service.faults.tcp_proxy import AT_END_OF_TRANSACTION, Cut
from service.faults.tmpfs import Ballast, copy_folder, lay_over, take_away, why_not_here

__all__ = ["CELLS"]

ROW = "broker"
_HEADROOM_BYTES = 96 << 20
_DIES_S = 90.0


def _killed(arena: Arena, dice: Random) -> Steps:
    arena.servers["kafka"].kill()
    yield from arena.pause(dice.uniform(0.0, 3.0))
    yield from arena.restarted("kafka")


def _frozen(seconds: float, arena: Arena, dice: Random) -> Steps:
    """A decider waits at its commit, and the broker it waits for does not answer."""
    yield from arena.hit("decider", f"decider.before_offsets:delay:{dice.randint(1, 4)}")
    yield from _freeze(arena, seconds)


def _freeze(arena: Arena, seconds: float) -> Steps:
    arena.servers["kafka"].freeze()
    try:
        yield from arena.pause(seconds)
    finally:
        arena.servers["kafka"].thaw()


def _cut(cut: Cut, arena: Arena, _dice: Random) -> Steps:
    proxy = arena.kafka_proxy
    before = proxy.cuts_done
    proxy.arm(cut)
    try:
        yield from arena.until(
            lambda: proxy.cuts_done > before, within_s=30, what="something to cut", fails=NotFiredError
        )
    finally:
        proxy.heal()


def _cut_somewhere(arena: Arena, dice: Random) -> Steps:
    yield from _cut(Cut(after_bytes=dice.randint(1, 200_000)), arena, dice)


def _all_cut(arena: Arena, dice: Random) -> Steps:
    for _ in range(dice.randint(1, 4)):
        arena.kafka_proxy.cut()
        yield from arena.pause(dice.uniform(0.1, 1.0))


def _unreachable(arena: Arena, dice: Random) -> Steps:
    arena.kafka_proxy.refuse()
    try:
        yield from arena.pause(dice.uniform(1.0, 10.0))
    finally:
        arena.kafka_proxy.heal()


def _silent(arena: Arena, dice: Random) -> Steps:
    """The line is dead and nobody says so."""
    arena.kafka_proxy.silence()
    try:
        yield from arena.pause(dice.uniform(2.0, 12.0))
    finally:
        arena.kafka_proxy.heal()


def _slow(arena: Arena, dice: Random) -> Steps:
    arena.kafka_proxy.delay(dice.uniform(0.02, 0.3))
    try:
        yield from arena.pause(6.0)
    finally:
        arena.kafka_proxy.heal()


# --- its disk


def _disk_full(arena: Arena, _dice: Random) -> Steps:
    """Its log lies on a small disk, which fills up; the broker dies of it, and goes on once there is room."""
    server = arena.servers["kafka"]
    folder = arena.place.folder("kafka") / "log"
    ballast = Ballast(folder)
    server.kill()
    yield from aside(partial(_move_to_small_disk, folder))
    try:
        yield from arena.restarted("kafka")
        ballast.fill()
        yield from arena.until(
            lambda: not server.is_alive, within_s=_DIES_S, what="the broker to stop on a full disk"
        )
        ballast.drop()
        yield from arena.restarted("kafka")
        yield from arena.pause(2.0)
    finally:
        ballast.drop()
        server.kill()
        _move_back(folder)  # a second or two, and never left out
        server.start()  # also where something failed: other cells need it
    yield from arena.restarted("kafka")


def _move_to_small_disk(folder: Path) -> None:
    """The same content on a disk that has little room left; what was there is kept aside until it is back."""
    aside_folder = folder.with_name("log.disk")
    folder.rename(aside_folder)
    folder.mkdir()
    used = sum(each.stat().st_blocks * 512 for each in aside_folder.rglob("*") if each.is_file())
    lay_over(folder, size_bytes=used + _HEADROOM_BYTES)
    copy_folder(aside_folder, folder)


def _move_back(folder: Path) -> None:
    """What the small disk holds now, on the large one again."""
    fresh = folder.with_name("log.new")
    copy_folder(folder, fresh)
    take_away(folder)
    folder.rmdir()
    fresh.rename(folder)
    shutil.rmtree(folder.with_name("log.disk"))


# --- topics changed behind our back, on a site of their own


def _on_a_side_site(spoil: Callable[[SideSite], Steps], arena: Arena, dice: Random) -> Steps:
    site = yield from side_site(arena, dice)
    try:
        yield from spoil(site)
    finally:
        site.decider.hold_down()
    yield from leave(site)


def _requests_deleted(site: SideSite) -> Steps:
    """It must refuse, say so, and go on after ``recover``."""
    yield from _by_a_foreign_hand(lambda: delete_topics(site.wiring.endpoints.kafka, [site.requests]))
    site.restart()
    yield from site.halted("TOPIC_GONE")
    yield from _recovered(site)


def _ledger_deleted(site: SideSite) -> Steps:
    """It must refuse. A command may lead on or not: there is no past to go on from, unless somebody restores it."""
    yield from _by_a_foreign_hand(lambda: delete_topics(site.wiring.endpoints.kafka, [site.ledger]))
    site.restart()
    yield from site.halted("TOPIC_GONE", "LEDGER_GONE")
    if (yield from site.recovered()):
        yield from site.decided()
    else:
        yield from site.halted("TOPIC_GONE", "LEDGER_GONE")


def _recovered(site: SideSite) -> Steps:
    if not (yield from site.recovered()):
        raise CellFailedError("meridian recover --apply leads past nothing; wanted the way out of this halt")
    yield from site.decided()


def _topic_made_anew(site: SideSite) -> Steps:
    """The same name and another topic: it must not be taken for the old one."""
    from events.topic_specs import topic_specs

    kafka, settings, name = site.wiring.endpoints.kafka, site.wiring.settings, site.requests
    site.decider.hold_down()

    def anew() -> None:
        delete_topics(kafka, [name])
        logs = site.wiring.log()
        try:
            if name in logs.names():
                raise TimeoutError(f"{name} is still there")
            specs = topic_specs(site.wiring.topics, settings.partitions, ())
            logs.ensure([spec for spec in specs if spec.name == name])
        finally:
            logs.close()

    yield from _by_a_foreign_hand(anew)
    site.decider.release()
    yield from site.halted("TOPIC_ID_CHANGED")
    yield from _recovered(site)


def _partitions_added(site: SideSite) -> Steps:
    """Keys have moved, and nobody may decide on them: there is no way on but the topic as it was."""
    kafka, name = site.wiring.endpoints.kafka, site.requests
    yield from _by_a_foreign_hand(lambda: add_partitions(kafka, name, total=3))
    site.restart()
    yield from site.halted("PARTITIONS_CHANGED")
    if (yield from site.recovered()):
        raise CellFailedError(
            "meridian recover --apply led past added partitions, on which nobody may decide"
        )
    yield from site.halted("PARTITIONS_CHANGED")


def _by_a_foreign_hand(work: Callable[[], None]) -> Steps:
    yield from patiently(work, what="the topic changed", errors=TROUBLES)


def _cell(name: str, inject: Callable[[Arena, Random], Steps], *, times: int | None = None) -> Cell:
    return Cell(f"broker.{name}", ROW, inject, ("kafka",), times=times)


def _side_cell(name: str, spoil: Callable[[SideSite], Steps]) -> Cell:
    # It needs the servers to stand still, and troubles nobody.
    return Cell(f"broker.{name}", ROW, partial(_on_a_side_site, spoil), ("kafka", "postgres", "side site"))


CELLS = (
    _cell("kill", _killed),
    _cell("freeze_4s", partial(_frozen, 4.0)),
    _cell("freeze_30s", partial(_frozen, 30.0)),
    _cell("connections_cut", _all_cut),
    _cell("cut_at_a_byte", _cut_somewhere),
    _cell("answer_to_commit_lost", partial(_cut, AT_END_OF_TRANSACTION)),
    _cell("unreachable", _unreachable),
    _cell("silent", _silent),
    _cell("slow", _slow),
    Cell("broker.disk_full", ROW, _disk_full, ("kafka",), not_here=why_not_here, heal_within_s=90.0),
    _side_cell("requests_topic_deleted", _requests_deleted),
    _side_cell("ledger_topic_deleted", _ledger_deleted),
    _side_cell("topic_made_anew", _topic_made_anew),
    _side_cell("partitions_added", _partitions_added),
)
