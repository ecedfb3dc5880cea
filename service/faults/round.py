"""What happens in one arena: injections beside each other, and audits, until the run is over or something is red."""

import time
from random import Random
from typing import TYPE_CHECKING, Protocol

from service.faults.arena import Arena
from service.faults.auditing import Audited, audited
from service.faults.choosing import Hand, Turn
from service.faults.injection import Injection, patient_since
from service.faults.load import Load

if TYPE_CHECKING:
    from service.faults.run import Order

__all__ = ["Hall", "Round"]

_TICK_S = 0.05
_LIVE_AT_MOST = 3
_CALM_S = 1.0
"""Before the first injection, and after each audit."""


class Hall(Protocol):
    """What a round wants of the run that it is part of."""

    @property
    def order(self) -> "Order":
        """How often, how fast, how long."""

    @property
    def is_stopped(self) -> bool:
        """Nothing is to be begun or waited for any more, here or in the arenas beside this one."""

    def begin(self, turn: Turn, arena: Arena) -> Injection:
        """Begin it there."""

    def ended(self, injection: Injection) -> None:
        """It is over."""

    def found(self, audit: Audited) -> None:
        """An audit was made."""

    def kept(self, folder: str) -> None:
        """An arena's folder stays."""


class Round:
    """``go`` returns once nothing is left to do, or the arena is not to be used any more."""

    def __init__(self, run: Hall, arena: Arena, load: Load, hand: Hand, *, dice: Random) -> None:
        """``dice`` choose the pauses between injections: they are not those of the cells, whose turns are shared."""
        self._run = run
        self._arena = arena
        self._load = load
        self._hand = hand
        self._dice = dice
        self._live: list[Injection] = []
        self._unaudited: list[Injection] = []
        self._next_at = time.monotonic() + _CALM_S
        self._calm_since = time.monotonic()

    def go(self) -> None:
        while not self._run.is_stopped:
            self._arena.tend()
            if (self._step() or self._is_time_to_audit()) and not self._audit():
                return
            if not self._live and self._load.is_spent and self._hand.is_empty:
                self._conclude()
                return
            self._maybe_begin()
            time.sleep(_TICK_S)
        self._give_up("the run was stopped")

    def _conclude(self) -> None:
        if self._unaudited and not self._audit():
            return
        at_end = self._run.order.at_end
        wrong = at_end(self._arena) if at_end is not None else None
        if wrong is not None:
            self._run.found(Audited({"divergent": 1}, f"       {wrong}", (wrong,)))
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
                self._over(injection)
                is_red = is_red or injection.is_red
        return is_red

    def _over(self, injection: Injection) -> None:
        self._unaudited.append(injection)
        self._run.ended(injection)

    def _maybe_begin(self) -> None:
        if time.monotonic() < self._next_at or self._is_audit_due() or len(self._live) >= _LIVE_AT_MOST:
            return
        turn = self._hand.take(self._live)
        if turn is not None:
            self._live.append(self._run.begin(turn, self._arena))
            self._next_at = time.monotonic() + self._dice.uniform(*self._run.order.every_s)

    def _is_audit_due(self) -> bool:
        return len(self._unaudited) >= self._run.order.audit_every

    def _is_time_to_audit(self) -> bool:
        return self._is_audit_due() and not self._live

    def _audit(self) -> bool:
        """Let everything settle, then ask the auditor; False if this arena is not to be used any more."""
        self._give_up("another injection went red in the same site")
        red = any(each.is_red for each in self._unaudited)
        self._unaudited.clear()
        found = audited(self._arena, self._load, settle_s=self._run.order.settle_s)
        self._run.found(found)
        if red or not found.is_clean:
            self._keep_evidence()
            return False
        self._load.go_on()
        self._next_at = time.monotonic() + _CALM_S
        return True

    def _give_up(self, reason: str) -> None:
        for injection in self._live:
            injection.abandon(reason)
            self._over(injection)
        self._live.clear()

    def _keep_evidence(self) -> None:
        self._run.kept(str(self._arena.keep_evidence()))
