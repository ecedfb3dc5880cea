"""One injection: a cell begun with a seed, stepped along, and watched until the site has healed or has failed to."""

import logging
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

from service.faults.arena import Arena
from service.faults.cell import Cell, CellFailedError, NotFiredError, Steps
from service.faults.watch import Mark

__all__ = ["Injection", "State", "patient_since"]

log = logging.getLogger(__name__)


class State(StrEnum):
    """Where an injection stands."""

    UNDER_WAY = "under way"
    HEALING = "healing"
    HEALED = "healed"
    RED = "red"
    NOT_FIRED = "not fired"


@dataclass(slots=True)
class _Times:
    began: float
    ended: float = 0.0
    decided: float = 0.0
    healed: float = 0.0


class Injection:
    """Stepped by the run until ``is_over``."""

    def __init__(self, number: int, cell: Cell, seed: int, arena: Arena, *, site: int = 1) -> None:
        self.number = number
        self.site = site
        self.cell = cell
        self.seed = seed
        self.state = State.UNDER_WAY
        self.reason = ""
        self._arena = arena
        self._steps: Steps = cell.inject(arena, Random(seed))  # noqa: S311 - a fault, not a secret
        self._times = _Times(time.monotonic())
        self._mark: Mark | None = None
        self._advised_at = 0.0
        self.by_hand = ""

    @property
    def is_over(self) -> bool:
        """Healed, red, or not fired."""
        return self.state not in {State.UNDER_WAY, State.HEALING}

    @property
    def is_red(self) -> bool:
        """The site did what it must not."""
        return self.state is State.RED

    @property
    def is_stuck(self) -> bool:
        """Nothing new got through in time."""
        return self.is_red and self._times.ended > 0.0

    @property
    def recover_s(self) -> float | None:
        """From the fault's end to new work that got through."""
        return self._times.healed - self._times.ended if self.state is State.HEALED else None

    @property
    def decide_s(self) -> float | None:
        """From the fault's end until every partition has decided something new."""
        return self._times.decided - self._times.ended if self._times.decided else None

    def step(self, *, patient_since: float) -> None:
        """Go on a little. ``patient_since``: the last moment at which another fault ended; patience begins there."""
        if self.state is State.UNDER_WAY:
            self._go_on()
        elif self.state is State.HEALING:
            self._look(patient_since)

    def abandon(self, reason: str) -> None:
        """Take the fault away where it stands; its arena is not used any more, so it proves nothing."""
        if isinstance(self._steps, Generator):
            self._steps.close()
        self.state, self.reason = State.NOT_FIRED, f"given up: {reason}"

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        told = {
            "number": self.number,
            "site": self.site,
            "cell": self.cell.name,
            "seed": self.seed,
            "state": self.state.value,
            "fault_s": round(max(0.0, self._times.ended - self._times.began), 3),
            "decide_s": None if self.decide_s is None else round(self.decide_s, 3),
            "recover_s": None if self.recover_s is None else round(self.recover_s, 3),
        }
        more = {"reason": self.reason, "by_hand": self.by_hand}
        return told | {name: said for name, said in more.items() if said}

    def _go_on(self) -> None:
        try:
            next(self._steps)
        except StopIteration:
            self._times.ended = time.monotonic()
            self._mark = self._arena.watch.mark()
            self.state = State.HEALING
        except CellFailedError as error:
            self.state, self.reason = State.RED, str(error)
        except NotFiredError as error:
            self.state, self.reason = State.NOT_FIRED, str(error)
        except Exception as error:  # a harness that trips over one cell still has the others to run
            log.exception("cell not brought about", extra={"cell": self.cell.name, "seed": self.seed})
            self.state, self.reason = State.NOT_FIRED, f"the harness failed: {type(error).__name__}: {error}"

    def _look(self, patient_since: float) -> None:
        assert self._mark is not None  # noqa: S101 - healing has begun
        now = time.monotonic()
        watch = self._arena.watch
        if not self._times.decided and watch.missing(self._mark, ("decider",)) is None:
            self._times.decided = now
        missing, since = watch.missing(self._mark, self.cell.heals), max(self._times.ended, patient_since)
        if missing is None:
            self._times.healed, self.state = now, State.HEALED
        elif (waited_s := now - max(since, self._advised_at)) > self.cell.heal_within_s:
            halts = watch.seen.halts
            standing = f"; halted: {', '.join(halts)}" if halts else ""
            self.state = State.RED
            self.reason = f"stuck {self.cell.heal_within_s:.0f} s after the fault's end: {missing}{standing}"
        elif waited_s > self.cell.heal_within_s / 2 and not self._advised_at:
            # What an operator would do by now; the report says so, and the time to recover stays whole.
            self.by_hand, self._advised_at = self._arena.started_as_advised(), time.monotonic()


def patient_since(one: Injection, live: Iterable[Injection], *, calm_since: float) -> float:
    """From when on it is expected to heal: not while another fault is at work.

    It does not wait for ever: new ones are no longer begun once an audit is due.
    """
    is_calm = all(each.state is not State.UNDER_WAY for each in live if each is not one)
    return calm_since if is_calm else time.monotonic()
