"""How far a site has got, looked up again and again beside the run, so that healing is seen without asking for it."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from service.faults.cell import ALL_PARTS
from service.faults.load import Progress
from service.faults.program_life import REFUSED
from service.wiring import Wiring

__all__ = ["Mark", "Seen", "Watch"]

log = logging.getLogger(__name__)

_LOOK_S = 0.25
MACHINE = "file"  # the load speaks of files


@dataclass(frozen=True, slots=True)
class Seen:
    """One look, by partition of the file machine: next request decided, next ledger offset saved and followed."""

    at: float = 0.0
    next_request: Mapping[int, int] = field(default_factory=dict)
    saved: Mapping[int, int] = field(default_factory=dict)
    projected: Mapping[int, int] = field(default_factory=dict)
    dispatched: Mapping[int, int] = field(default_factory=dict)
    arrived: int = 0
    """Of the files announced so far: the first so many are visible, in whatever state."""
    complete: int = 0
    """The first so many are at rest: nothing is left to do for them."""
    others: int = 0
    """So many of those that cells have announced are at rest."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """Where each of the observing programs under way stands."""
    halts: tuple[str, ...] = ()

    def short_of(self, programs: Mapping[str, str]) -> list[str]:
        """In words: those of them that do not stand where they have to."""
        return [
            f"{op} in {self.programs.get(op)}, wanted {wanted}"
            for op, wanted in programs.items()
            if self.programs.get(op) != wanted
        ]


@dataclass(slots=True)
class Mark:
    """A moment. What comes through after it shows that the parts work again."""

    requests: Mapping[int, int]
    files: int
    ledger: Mapping[int, int] | None = None
    programs: Mapping[str, str] = field(default_factory=dict)
    """Observing programs under way: where each had to come to; the load asks none on before it has."""


class Watch:
    """Looks in a thread of its own, on connections that no proxy disturbs; an outage is waited out."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._engine: Engine | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.progress = Progress()
        """What the load has sent and had acknowledged; the load replaces it by its own."""
        self.seen = Seen()

    def start(self) -> None:
        """Begin to look."""
        self._engine = self._wiring.engine(statement_timeout_s=5.0, pool_size=2)
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(6.0)
        if self._engine is not None:
            self._engine.dispose()

    def mark(self) -> Mark:
        """From now on."""
        progress = self.progress
        return Mark(dict(progress.acknowledged), progress.announced, programs=dict(progress.programs))

    def missing(self, mark: Mark, parts: tuple[str, ...] = ALL_PARTS) -> str | None:
        """What has not come through yet since the mark, in words; None: work has got through all these parts."""
        seen = self.seen
        decided = all(seen.next_request.get(number, 0) >= end + 2 for number, end in mark.requests.items())
        if not mark.requests or not decided:
            return f"decided up to {dict(seen.next_request)}, wanted beyond {dict(mark.requests)}"
        if mark.ledger is None:
            mark.ledger = dict(seen.saved)
        for part, reached in (("projector", seen.projected), ("dispatch", seen.dispatched)):
            if part in parts and any(reached.get(n, 0) < end for n, end in mark.ledger.items()):
                return f"{part} at {dict(reached)}, wanted {dict(mark.ledger)}"
        wanted = mark.files + 1
        if "worker" in parts and seen.complete < wanted:
            return f"{seen.complete} files are complete, wanted {wanted}"
        if "worker" in parts and (short := seen.short_of(self._not_asked_on(mark))):
            return f"observing programs: {'; '.join(short)}"
        if "intake" in parts and seen.arrived < wanted:
            return f"{seen.arrived} files have been taken in, wanted {wanted}"
        return None

    def _not_asked_on(self, mark: Mark) -> Mapping[str, str]:
        """The programs of the mark that nobody has seen where they had to come to."""
        wanted = self.progress.programs
        return {op: state for op, state in mark.programs.items() if wanted.get(op) == state}

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_S):
            try:
                assert self._engine is not None  # noqa: S101 - started before
                with self._engine.connect() as connection:
                    self.seen = self._look(connection)
            except DBAPIError as error:
                log.debug("not looked", extra={"error": str(error)})

    def _look(self, connection: Connection) -> Seen:
        marks = connection.execute(_MARKS, {"machine": MACHINE}).all()
        files, others = self.progress.files, self.progress.others
        arrived = _through(connection, self.seen.arrived, files, _ARRIVED)
        complete = _through(connection, self.seen.complete, files, _COMPLETE)
        at_rest = _through(connection, self.seen.others, others, _COMPLETE)
        return Seen(
            at=time.monotonic(),
            next_request={row.partition: row.next_request for row in marks},
            saved={row.partition: row.next_offset for row in marks},
            projected=_positions(connection, _PROJECTED, "projector"),
            dispatched=_positions(connection, _DISPATCHED, "dispatch"),
            arrived=arrived,
            complete=complete,
            others=at_rest,
            programs=_standing(connection, list(self.progress.programs)),
            halts=tuple(connection.execute(_HALTS).scalars()),
        )


def _through(connection: Connection, known: int, subjects: Sequence[str], query: str) -> int:
    """How many of the announced files, from the first on, are through; some hundred are looked up at once."""
    names = list(subjects[known : known + 500])
    if not names:
        return known
    found = set(connection.execute(text(query), {"files": names}).scalars())
    return known + next((n for n, name in enumerate(names) if name not in found), len(names))


def _standing(connection: Connection, programs: Sequence[str]) -> Mapping[str, str]:
    if not programs:
        return {}
    found = connection.execute(_PROGRAMS, {"ops": programs, "refused": REFUSED})
    return {row.op: row.standing for row in found}


def _positions(connection: Connection, query: str, follower: str) -> dict[int, int]:
    found = connection.execute(text(query), {"follower": follower, "machine": MACHINE})
    return {row.partition: row.next_offset for row in found}


_MARKS = text("SELECT partition, next_request, next_offset FROM decider.watermark WHERE machine = :machine")
_WHERE = "WHERE follower = :follower AND machine = :machine"
_PROJECTED = f"SELECT partition, next_offset FROM projection.position {_WHERE}"  # noqa: S608 - constants
_DISPATCHED = f"SELECT partition, next_offset FROM work.position {_WHERE}"  # noqa: S608 - constants
_ARRIVED = "SELECT file FROM v1.file WHERE file = ANY(:files)"
_COMPLETE = """
SELECT file FROM v1.file WHERE file = ANY(:files)
AND (state IN ('COMPLETE', 'INVALID', 'DISMISSED') OR state = 'ERROR' AND due_at IS NULL)
"""
_PROGRAMS = text("""
    SELECT s.op, CASE WHEN a.state = 'Working' AND a.refused_reasons IS NOT NULL THEN :refused
                      ELSE coalesce(a.state, s.state) END AS standing
    FROM projection.op_status s LEFT JOIN projection.op_attempt a ON a.op = s.op AND a.attempt = s.attempts
    WHERE s.op = ANY(:ops)
""")
_HALTS = text("SELECT part || ' ' || machine || '/' || partition || ' ' || code FROM decider.halt")
