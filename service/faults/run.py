"""A run of the matrix: injections on a shared load, an audit now and then, and a new arena after a red one."""

import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.faults.arena import Arena
from service.faults.auditing import Audited, audited
from service.faults.cell import Cell
from service.faults.choosing import Choice, may_begin
from service.faults.injection import Injection, State, patient_since
from service.faults.load import Load, Rates
from service.faults.tally import Tally
from service.faults.warming import bring_streams_in_force
from service.settings import Settings

__all__ = ["Order", "Run"]

Say = Callable[[str], None]

_TICK_S = 0.05
_LIVE_AT_MOST = 3
_THROWN = 2
"""So many times as many injections are thrown as are wanted, at most."""


@dataclass(frozen=True)
class Order:
    """What is to be run: which cells, how often, how fast, by which dice, and with which guard switched off.

    ``injections`` counts those that fired. One whose fault could not be brought about is thrown again, itself or
    another in its place, until twice as many have been thrown.
    """

    cells: Sequence[Cell]
    injections: int | None = None
    seeds: int | None = None
    every_s: tuple[float, float] = (2.0, 5.0)
    seed: int = field(default_factory=lambda: secrets.randbits(32))
    audit_every: int = 20
    settle_s: float = 60.0
    switched_off: str | None = None
    stop_at_red: bool = False
    at_end: Callable[[Arena], str | None] | None = None
    """Asked of the last arena when all else is done; what it says is wrong with it."""
    rates: Rates = field(default_factory=Rates)


class Run:
    """One run. ``tally`` fills as it goes; ``go`` returns at its end."""

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
        self._audited = audited
        self.order = order
        self.tally = Tally()
        self._settings = settings
        self._say = say
        self._folder = folder
        self._dice = random.Random(order.seed)  # noqa: S311 - faults, not secrets
        self._choice = Choice(order.cells, dice=self._dice, at_most=order.seeds)
        self._begun = 0
        self._waiting: Cell | None = None

    def go(self) -> None:
        """Until all injections are over; a red one ends its arena, and the rest is done in a new one."""
        while not self._is_done():
            began = time.monotonic()
            with Arena(self._settings, switched_off=self.order.switched_off, folder=self._folder) as arena:
                load = Load(
                    arena.wiring,
                    landing=arena.landing,
                    expected=arena.root / "expected.ndjson",
                    seed=self._dice.getrandbits(32),
                    rates=self.order.rates,
                )
                arena.load = load
                try:
                    bring_streams_in_force(arena, load)
                    self._say(f"       a site in {arena.root}, ready after {time.monotonic() - began:.0f} s")
                    _Round(self, arena, load).go()
                finally:
                    load.stop()

    def next_cell(self) -> Cell | None:
        """The cell whose turn it is; it stays so until `begin`."""
        if self._waiting is None and not self._is_used_up():
            self._waiting = self._choice.next()
        return self._waiting

    def begin(self, arena: Arena) -> Injection:
        """Begin the cell whose turn it is."""
        assert self._waiting is not None  # noqa: S101 - asked for before
        cell, self._waiting = self._waiting, None
        self._begun += 1
        return Injection(self._begun, cell, self._dice.getrandbits(32), arena)

    def _is_used_up(self) -> bool:
        wanted = self.order.injections
        if wanted is None:
            return False
        return self._begun - self.tally.not_fired >= wanted or self._begun >= _THROWN * wanted

    def _is_done(self) -> bool:
        return self.next_cell() is None or (self.order.stop_at_red and not self.tally.is_clean)

    def ended(self, injection: Injection) -> None:
        """It is over; one that did not fire is thrown again."""
        self.tally.add(injection)
        if injection.state is State.NOT_FIRED:
            self._choice.again(injection.cell)
        self._say(_line(injection))

    def write(self) -> None:
        """Have what was found so far written down."""
        if self._audited is not None:
            self._audited(self)

    def say(self, text: str) -> None:
        """One line."""
        self._say(text)

    def pause_s(self) -> float:
        """Until the next injection."""
        return self._dice.uniform(*self.order.every_s)


class _Round:
    """What happens in one arena, until the run is done or something is red."""

    def __init__(self, run: Run, arena: Arena, load: Load) -> None:
        self._run = run
        self._arena = arena
        self._load = load
        self._live: list[Injection] = []
        self._next_at = time.monotonic() + 1.0
        self._calm_since = time.monotonic()
        self._since_audit = 0

    def go(self) -> None:
        while True:
            self._arena.tend()
            if (self._step() or self._is_time_to_audit()) and not self._audit():
                return
            cell = self._run.next_cell()
            if cell is None and not self._live and self._load.is_spent:
                self._conclude()
                return
            self._maybe_begin(cell)
            time.sleep(_TICK_S)

    def _conclude(self) -> None:
        if self._since_audit and not self._audit():
            return
        wrong = self._run.order.at_end(self._arena) if self._run.order.at_end is not None else None
        if wrong is not None:
            self._run.tally.add_audit({"divergent": 1}, [wrong])
            self._run.say(f"       {wrong}")
            self._keep_evidence()

    def _step(self) -> bool:
        """One step of each; True if something went red."""
        is_red = False
        for injection in list(self._live):
            was = injection.state
            injection.step(patient_since=patient_since(injection, self._live, calm_since=self._calm_since))
            if injection.state is not was:
                self._calm_since = time.monotonic()
            if injection.is_over:
                self._live.remove(injection)
                self._since_audit += 1
                self._run.ended(injection)
                is_red = is_red or injection.is_red
        return is_red

    def _maybe_begin(self, cell: Cell | None) -> None:
        if cell is None or time.monotonic() < self._next_at or self._is_audit_due():
            return
        if len(self._live) < _LIVE_AT_MOST and may_begin(cell, self._live):
            self._live.append(self._run.begin(self._arena))
            self._next_at = time.monotonic() + self._run.pause_s()

    def _is_audit_due(self) -> bool:
        return self._since_audit >= self._run.order.audit_every

    def _is_time_to_audit(self) -> bool:
        return self._is_audit_due() and not self._live

    def _audit(self) -> bool:
        """Let everything settle, then ask the auditor; False if this arena is not to be used any more."""
        red = any(each.is_red for each in self._run.tally.injections[-self._since_audit or None :])
        for injection in self._live:
            injection.abandon()
            self._run.ended(injection)
        self._live.clear()
        self._since_audit = 0
        found: Audited = audited(self._arena, self._load, settle_s=self._run.order.settle_s)
        self._run.tally.add_audit(found.counters, found.offenders, found.looked_at)
        self._run.write()
        self._run.say(found.line)
        for offender in found.offenders[:5]:
            self._run.say(f"         {offender}")
        if red or not found.is_clean:
            self._keep_evidence()
            return False
        self._load.go_on()
        self._next_at = time.monotonic() + 1.0
        return True

    def _keep_evidence(self) -> None:
        folder = self._arena.keep_evidence()
        self._run.tally.evidence.append(str(folder))
        self._run.say(f"       evidence kept in {folder}")


def _line(injection: Injection) -> str:
    recovered = injection.recover_s
    end = (
        f"healed in {recovered:.1f} s"
        if recovered is not None
        else f"{injection.state.value}: {injection.reason}"
    )
    by_hand = f"; {injection.by_hand}" if injection.by_hand else ""
    return f"{injection.number:5d}  {injection.cell.name:<42} seed {injection.seed:<10d} {end}{by_hand}"
