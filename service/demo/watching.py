"""Watching a night come to its end: who has arrived where, what is still missing, and when to stop waiting."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from projectors.night_report import ends
from service.demo.announcement import Outcome
from service.demo.night import Night

__all__ = ["Standing", "differences", "watch"]

Tally = Counter[tuple[str, str]]
"""Files by stream and state."""

ENDED = frozenset({"COMPLETE", "INVALID", "ERROR", "DISMISSED"})
_LOOK_S = 0.25
_QUIET_S = 12.0
"""All files have ended and none has moved for so long: what is missing does not come any more."""

_STUCK_S = 90.0
"""Not all have ended and none has moved for so long: waiting longer shows nothing new."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the night stands: where each file is, and how many are in the state they are to end in."""

    found: Mapping[str, Outcome]
    tally: Tally
    settled: int
    wanted: int

    @property
    def ended(self) -> int:
        """Files in a state that no work leaves by itself."""
        return sum(count for (_, state), count in self.tally.items() if state in ENDED)


def watch(engine: Engine, night: Night, *, limit_s: float, told: Callable[[Standing], None]) -> Standing:
    """Look until every file is where it is to end, until nothing moves any more, or until the time is up."""
    until = time.monotonic() + limit_s
    moved_at, before = time.monotonic(), Counter[tuple[str, str]]()
    while True:
        standing = look(engine, night)
        told(standing)
        now = time.monotonic()
        if standing.tally != before:
            moved_at, before = now, standing.tally
        has_ended = bool(standing.tally) and standing.ended == standing.tally.total()
        is_quiet = now - moved_at > (_QUIET_S if has_ended else _STUCK_S)
        if standing.settled == standing.wanted or is_quiet or now > until:
            return standing
        time.sleep(_LOOK_S)


def look(engine: Engine, night: Night) -> Standing:
    """How it stands now."""
    with engine.connect() as connection:
        rows = ends(connection, list(night.expected))
    found = {row["file"]: Outcome(row["state"], _code(row), row["version"]) for row in rows}
    tally = Counter((row["stream"], row["state"]) for row in rows)
    wanted = len(night.expected)
    return Standing(found, tally, wanted - len(differences(night, found)), wanted)


def differences(night: Night, found: Mapping[str, Outcome]) -> list[str]:
    """Where it stands otherwise than expected, one line a file."""
    return list(night.differences(found))


def _code(row: Mapping[str, object]) -> str | None:
    """The code counts where the file did not get through; a warning's or an earlier one does not."""
    code = row["code"]
    return str(code) if code is not None and row["state"] in {"INVALID", "ERROR"} else None
