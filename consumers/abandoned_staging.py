"""Folders in the work area that a staging began and nobody ends: its worker died, or its program went on without it."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from sqlalchemy import Connection, Engine, text

from consumers.effects.preprocess import folder_of_program
from consumers.homes import Home, Homes
from consumers.staging import JOURNAL, sizes_in_journal
from consumers.standing import CLAIM_LOCK
from consumers.unstaging import GOING, clear_out, is_staged, lying_in
from events.log import Log, Place
from events.topics import Topics

__all__ = ["QUIET_S", "AbandonedStaging"]

log = logging.getLogger(__name__)

QUIET_S = 86_400.0
"""Nothing was written there for so long: a worker that was thought dead, and is not, has come to its end by then."""


@dataclass(frozen=True, slots=True)
class _Owned:
    """What the ledger and open work still have to do with."""

    programs: frozenset[Path]
    """Places of programs that are being staged, or may be."""
    ops: frozenset[Path]
    """Places of OPs that the views have not folded to the end."""
    folders: frozenset[Path]
    """What was reported as staged and not as gone: policies see to that."""
    going: frozenset[str]
    """Marks of removals that are under way."""

    def has(self, folder: Path) -> bool:
        """Whether somebody may still want what lies there."""
        if folder.parent.parent in self.ops:
            return True
        if folder.name.startswith(GOING):
            return folder.name.removeprefix(GOING) in self.going
        return folder.parent in self.programs or folder in self.folders


class AbandonedStaging:
    """Removes such folders, on a host that has the work area; nothing that staging did not write itself goes.

    Nobody can claim work between the last look and the moment a folder loses its name, so nobody begins to stage there;
    a staging that comes later begins anew.
    """

    def __init__(self, *, log: Log, topics: Topics, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._topic = topics.events("op")
        self._engine = engine
        self._homes = Homes(engine)
        self._clock = clock

    def run_once(self) -> int:
        """How many went. Raises LogUnavailableError and the database's errors."""
        home = self._homes.now()
        area = _area(home)
        if area is None:
            return 0
        try:
            return self._tidy(area, home)
        except OSError as error:
            log.warning("work area can't be looked through", extra={"area": str(area), "error": str(error)})
            return 0

    def _tidy(self, area: Path, home: Home) -> int:
        with self._engine.connect() as connection:
            staged = _staged(connection)  # most of what lies there, and large
        left = [each for each in _folders(area) if each not in staged and _is_left(each, self._clock())]
        if not left:
            return 0
        ends = self._ledger_ends()
        with self._engine.begin() as connection:
            connection.execute(_NO_CLAIMS, {"lock": CLAIM_LOCK})
            if not _is_read(connection, ends):
                return 0  # the next look may find it read
            owned = _owned(connection, home)
            going = [_renamed(each) for each in left if not owned.has(each)]
        for folder in going:
            clear_out(folder)
            log.info("staging that nobody ended removed", extra={"folder": str(folder)})
        return len(going)

    def _ledger_ends(self) -> dict[int, int]:
        reader = self._log.reader()
        try:
            count = self._log.partitions([self._topic]).get(self._topic, 0)
            return {number: reader.end(Place(self._topic, number)) for number in range(count)}
        finally:
            reader.close()


def _area(home: Home) -> Path | None:
    """The work area as a folder that is there."""
    parts = urlsplit(str(home.programs.work_area or ""))
    area = Path(unquote(parts.path))
    return area if parts.scheme == "file" and area.is_dir() else None


def _folders(area: Path) -> Iterator[Path]:
    """The folders of stagings, three steps below; where a link leads is not ours."""
    for program in area.glob("*/*"):
        if program.is_dir() and program.resolve() == area.resolve() / program.relative_to(area):
            yield from (each for each in program.iterdir() if each.is_dir() and not each.is_symlink())


def _is_left(folder: Path, at: datetime) -> bool:
    return _is_silent(folder, at) and _is_only_ours(folder)


def _is_silent(folder: Path, at: datetime) -> bool:
    """Nothing came or went there, and nothing was written."""
    try:
        return max(each.lstat().st_mtime for each in (folder, *folder.rglob("*"))) < at.timestamp() - QUIET_S
    except FileNotFoundError:
        return False  # somebody is at work there


def _is_only_ours(folder: Path) -> bool:
    """Whether all that lies there was put there by a staging, as its journal tells; with anything else, all stays."""
    if folder.name.startswith(GOING):
        return True  # that was looked at before it was called so
    sizes = sizes_in_journal(folder)
    return (folder / JOURNAL).is_file() and all(is_staged(path, folder, sizes) for path in lying_in(folder))


def _renamed(folder: Path) -> Path:
    if folder.name.startswith(GOING):
        return folder
    return folder.rename(folder.with_name(f"{GOING}{uuid4()}"))


def _is_read(connection: Connection, ends: dict[int, int]) -> bool:
    """Whether views and work know of all that the ledger had then: what they do not know of would look abandoned."""
    if connection.execute(_IS_SHUT).scalar_one():
        return False
    reached = {(row.follower, row.partition): row.next_offset for row in connection.execute(_POSITIONS)}
    wanted = {(who, number): end for who in ("projector", "dispatch") for number, end in ends.items()}
    return bool(wanted) and all(reached.get(key, -1) >= end for key, end in wanted.items())


def _owned(connection: Connection, home: Home) -> _Owned:
    def places(query: Any) -> Iterator[Path]:
        for subject, program in connection.execute(query):
            yield folder_of_program(home, subject, program)

    return _Owned(
        programs=frozenset(places(_STAGING)),
        ops=frozenset(each.parent for each in places(_TAINTED)),
        folders=_staged(connection),
        going=frozenset(connection.execute(_REMOVING).scalars()),
    )


def _staged(connection: Connection) -> frozenset[Path]:
    found = connection.execute(_STAGED).scalars()
    return frozenset(Path(unquote(urlsplit(each).path)) for each in found)


_UNFINISHED = "state IN ('open', 'leased', 'reported', 'parked')"

_NO_CLAIMS = text("SELECT pg_advisory_xact_lock(:lock)")

_IS_SHUT = text("SELECT EXISTS (SELECT FROM work.gate)")

_POSITIONS = text("""
    SELECT follower, partition, next_offset FROM projection.position WHERE machine = 'op'
    UNION ALL SELECT follower, partition, next_offset FROM work.position WHERE machine = 'op'
""")

# Open work, and programs that will be staged once they have recovered: what an earlier try has brought is theirs.
_STAGING = text(f"""
    SELECT subject, substr(part, length('program:') + 1) FROM work.item
    WHERE effect = 'preprocess' AND {_UNFINISHED}
    UNION SELECT subject, substr(part, length('program:') + 1) FROM work.program_part
    WHERE part LIKE 'program:%' AND (owes_effect = 'preprocess' OR known #>> '{{now,state}}' = 'Invertible')
""")  # noqa: S608 - our own words

_TAINTED = text("SELECT subject, 'any' FROM projection.tainted WHERE machine = 'op'")

_STAGED = text("SELECT location FROM projection.op_staged WHERE removed_at IS NULL")

_REMOVING = text(f"""
    SELECT CAST(event_id AS text) FROM work.item WHERE effect = 'unstage' AND {_UNFINISHED}
""")  # noqa: S608 - our own words
