"""A run of the matrix: sites of its own, one or some side by side, that take turns of the cells from one sequence."""

import random
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.faults.arena import Arena
from service.faults.auditing import Audited
from service.faults.cell import Cell
from service.faults.choosing import Choice, Hand, Turn
from service.faults.injection import Injection, State
from service.faults.load import Load, Rates
from service.faults.round import Round
from service.faults.tally import Tally
from service.faults.warming import bring_streams_in_force
from service.settings import Settings

__all__ = ["Order", "Run", "Site"]

Say = Callable[[str], None]

_THROWN = 2
"""So many times as many injections are thrown as are wanted, at most."""
_LOOK_S = 0.5


@dataclass(frozen=True)
class Order:
    """What is to be run: which cells, how often, how fast, by which dice, and with which guard switched off.

    ``injections`` counts those that fired. One whose fault could not be brought about is thrown again, itself or
    another in its place, until twice as many have been thrown. ``sites``: so many, each with servers, load and
    audits of its own; ``every_s`` and ``audit_every`` are for each of them.
    """

    cells: Sequence[Cell]
    injections: int | None = None
    seeds: int | None = None
    every_s: tuple[float, float] = (2.0, 5.0)
    seed: int = field(default_factory=lambda: secrets.randbits(32))
    sites: int = 1
    audit_every: int = 20
    settle_s: float = 60.0
    switched_off: str | None = None
    stop_at_red: bool = False
    at_end: Callable[[Arena], str | None] | None = None
    """Asked of the last arena of each site when all else is done; what it says is wrong with it."""
    rates: Rates = field(default_factory=Rates)


class Run:
    """One run. ``tally`` fills as it goes; ``go`` returns at its end.

    Which cell is thrown with which seed as the n-th is the dice's alone, save for those thrown again; when, in which
    site and beside what it begins is also a matter of how long the others take.
    """

    def __init__(
        self,
        order: Order,
        settings: Settings,
        *,
        say: Say,
        folder: Path | None = None,
        audited: Callable[["Run"], None] | None = None,
    ) -> None:
        """``audited`` is called after each audit: what was found so far can be written down."""
        self.order = order
        self.settings = settings
        self.folder = folder
        self.tally = Tally()
        self._say = say
        self._audited = audited
        self._dice = random.Random(order.seed)  # noqa: S311 - faults, not secrets
        self._choice = Choice(order.cells, dice=self._dice, at_most=order.seeds)
        self._drawn = 0
        self._lock = threading.RLock()
        self._stop = threading.Event()

    def go(self) -> None:
        """Until all injections are over; a red one ends its arena, and the rest is done in a new one."""
        sites = [Site(self, number) for number in range(1, self.order.sites + 1)]
        if len(sites) == 1:
            sites[0].go()
        else:
            self._side_by_side(sites)

    def _side_by_side(self, sites: "list[Site]") -> None:
        """Each in a thread of its own; what one raises ends all of them, and is raised here."""
        raised: list[BaseException] = []

        def work(site: Site) -> None:
            try:
                site.go()
            except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
                raised.append(error)
                self._stop.set()

        threads = [threading.Thread(target=work, args=(site,), name=f"site {site.number}") for site in sites]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                time.sleep(_LOOK_S)
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        if raised:
            raise raised[0]

    @property
    def is_stopped(self) -> bool:
        """Asked to stop, or red where that is enough."""
        return self._stop.is_set() or (self.order.stop_at_red and not self.tally.is_clean)

    def draw(self) -> Turn | None:
        """The next turn of the sequence; None: none is left, unless one that is under way turns out to be in vain."""
        with self._lock:
            cell = None if self._is_used_up() else self._choice.next()
            if cell is None:
                return None
            self._drawn += 1
            return Turn(self._drawn, cell, self._dice.getrandbits(32))

    def _is_used_up(self) -> bool:
        wanted = self.order.injections
        if wanted is None:
            return False
        return self._drawn - self.tally.not_fired >= wanted or self._drawn >= _THROWN * wanted

    def ended(self, injection: Injection) -> None:
        """It is over; one that did not fire is thrown again."""
        with self._lock:
            self.tally.add(injection)
            if injection.state is State.NOT_FIRED:
                self._choice.again(injection.cell)

    def found(self, audit: Audited) -> None:
        """Count it, and have what was found so far written down."""
        with self._lock:
            self.tally.add_audit(audit.counters, audit.offenders, audit.looked_at)
            if self._audited is not None:
                self._audited(self)

    def kept(self, folder: str) -> None:
        """There is something to look at."""
        with self._lock:
            self.tally.evidence.append(folder)

    def say(self, text: str) -> None:
        """One line."""
        with self._lock:
            self._say(text)


class Site:
    """One place of a run: an arena, and another in its stead once something in it is red."""

    def __init__(self, run: Run, number: int) -> None:
        self.number = number
        self._run = run
        self._hand = Hand(run.draw)
        self._dice = random.Random(f"{run.order.seed} site {number}")  # noqa: S311 - a workload and pauses

    def go(self) -> None:
        """Until nothing is left to do."""
        while not (self.is_stopped or self._hand.is_empty):
            self._in_an_arena()

    def _in_an_arena(self) -> None:
        began, order = time.monotonic(), self._run.order
        with Arena(self._run.settings, switched_off=order.switched_off, folder=self._run.folder) as arena:
            load = Load(
                arena.wiring,
                landing=arena.landing,
                products=arena.products,
                expected=arena.root / "expected.ndjson",
                seed=self._dice.getrandbits(32),
                standing=lambda: arena.watch.seen.programs,
                rates=order.rates,
            )
            arena.load = load
            try:
                bring_streams_in_force(arena, load, is_stopped=lambda: self.is_stopped)
                self._say(f"       a site in {arena.root}, ready after {time.monotonic() - began:.0f} s")
                Round(self, arena, load, self._hand, dice=self._dice).go()
            finally:
                load.stop()

    # --- what a round asks for

    @property
    def order(self) -> Order:
        """How often, how fast, how long."""
        return self._run.order

    @property
    def is_stopped(self) -> bool:
        """With the run."""
        return self._run.is_stopped

    def begin(self, turn: Turn, arena: Arena) -> Injection:
        """Begin it there."""
        return Injection(turn.number, turn.cell, turn.seed, arena, site=self.number)

    def ended(self, injection: Injection) -> None:
        """It is over."""
        self._run.ended(injection)
        self._say(_line(injection))

    def found(self, audit: Audited) -> None:
        """An audit was made."""
        self._say(audit.line)
        for offender in audit.offenders[:5]:
            self._say(f"         {offender}")
        self._run.found(audit)

    def kept(self, folder: str) -> None:
        """An arena's folder stays."""
        self._run.kept(folder)
        self._say(f"       evidence kept in {folder}")

    def _say(self, text: str) -> None:
        self._run.say(text if self._run.order.sites == 1 else f"{self.number}| {text}")


def _line(injection: Injection) -> str:
    recovered = injection.recover_s
    end = (
        f"healed in {recovered:.1f} s"
        if recovered is not None
        else f"{injection.state.value}: {injection.reason}"
    )
    by_hand = f"; {injection.by_hand}" if injection.by_hand else ""
    return f"{injection.number:5d}  {injection.cell.name:<42} seed {injection.seed:<10d} {end}{by_hand}"
