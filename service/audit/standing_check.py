"""Views, snapshots and open work of one partition held against what its records come to, subject by subject."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid5

import orjson

from service.audit.database import Rows, stream
from service.audit.findings import Offender, Tally
from service.audit.ledger_check import NAMESPACE
from service.audit.lives import AWAITING
from service.audit.subject import Standing, Subject, Version
from service.audit.subjects import Subjects

__all__ = ["StandingCheck"]

_FILES = """
    SELECT v.file, v.version, v.state, v.attempt, v.sequence, v.event_id::text, v.ledger_offset, v.is_superseded,
           s.versions, s.best_version, s.is_held, s.is_embargoed
    FROM projection.file_version v LEFT JOIN projection.file_status s ON s.file = v.file
    WHERE v.partition = %s ORDER BY v.file, v.version
"""

_STREAMS = """
    SELECT stream, 0, state, NULL, sequence, event_id::text, ledger_offset, false, NULL, NULL, is_held, false
    FROM projection.stream_status WHERE partition = %s ORDER BY stream
"""

_OPS = """
    SELECT op, 0, state, NULL, sequence, event_id::text, ledger_offset, false, NULL, NULL, is_held, false
    FROM projection.op_status WHERE partition = %s ORDER BY op
"""

_GROUPS = """
    SELECT group_id, 0, state, NULL, sequence, event_id::text, ledger_offset, false, NULL, NULL, false, false
    FROM projection.group_status WHERE partition = %s ORDER BY group_id
"""

_VIEWS = {"file": _FILES, "stream": _STREAMS, "op": _OPS, "group": _GROUPS}
"""Views of the machines that have one with where each subject stands."""

_SNAPSHOTS = """
    SELECT subject, sequence, state FROM decider.snapshot WHERE machine = %s AND partition = %s
    ORDER BY subject COLLATE "C"
"""

_WORK = """
    SELECT subject, kind, version, event_id::text FROM (
        SELECT subject, lane AS kind, version, event_id FROM work.item
        WHERE state IN ('open', 'leased', 'reported', 'parked') AND lane IN ('steps', 'follow-ups')
        UNION ALL
        SELECT subject, 'deadline', version, event_id FROM work.deadline
        WHERE state IN ('waiting', 'delivered') AND request = 'file.retry') AS owed
    ORDER BY subject
"""

Row = tuple[Any, ...]


class StandingCheck:
    """One partition of one machine; ``connection`` sees the moment to which the cuts of the subjects belong."""

    def __init__(self, connection: Any, *, machine: str, place: str, partition: int, tally: Tally) -> None:
        self._place = place
        self._tally = tally
        self._has_view, self._is_file = machine in _VIEWS, machine == "file"
        views = _VIEWS.get(machine)
        self._views = Rows(stream(connection, "views", views, partition) if views else _none())
        self._snapshots = Rows(stream(connection, "snapshots", _SNAPSHOTS, machine, partition))
        self._work = Rows(stream(connection, "work", _WORK) if machine == "file" else _none())

    def run(self, subjects: Subjects) -> None:
        """Every subject, and every row that has none."""
        for name, subject in subjects.in_order():
            if subject.now.sequence:
                self._one(name, subject)
            self._answered(name, subject)
            self._in_state(name, subject)
        self._beyond(None)

    def _one(self, name: str, subject: Subject) -> None:
        self._beyond(name)
        if self._has_view:
            self._view(name, subject.at("view"), self._views.of(name))
        self._snapshot(name, subject.at("saved"), self._snapshots.of(name))
        if self._is_file:
            self._owed(name, subject, self._work.of(name))

    def _beyond(self, name: str | None) -> None:
        """Rows whose subject has no record; work of other partitions' subjects is passed over."""
        for row in self._views.before(name):
            self._divergent(
                row[0], f"a row of the view, version {row[1]} in {row[2]}", "none, there is no record", ""
            )
        for row in self._snapshots.before(name):
            self._divergent(row[0], f"a snapshot at sequence {row[1]}", "none, there is no record", "")
        for _ in self._work.before(name):
            pass

    # --- views ---

    def _view(self, name: str, wanted: Standing, rows: list[Row]) -> None:
        found = {row[1]: row for row in rows}
        newest = max(wanted.versions, default=0)
        for number, version in wanted.versions.items():
            self._tally.looked("divergent")
            row = found.pop(number, None)
            if row is None:
                self._divergent(
                    name, f"no row of version {number}", _told(version), self._at(version.offset), version
                )
            else:
                self._row(name, row, version, wanted, is_superseded=number < newest)
        for row in found.values():
            self._divergent(name, f"a row of version {row[1]} in {row[2]}", "no such version", "")

    def _row(self, name: str, row: Row, version: Version, wanted: Standing, *, is_superseded: bool) -> None:
        if self._is_file:
            shown, meant = row[2:7], version[:5]
            whole_shown: Row = row[7:12]
            whole: Row = (is_superseded, max(wanted.versions), wanted.best, wanted.held, wanted.embargoed)
        else:
            shown, meant = (row[2], None, *row[4:7]), (version.state, None, *version[2:5])
            whole_shown, whole = (row[10],), (wanted.held,)
        if shown != meant:
            self._divergent(name, f"the view shows {shown}", f"{meant}", self._at(version.offset), version)
        elif whole_shown != whole:
            self._divergent(
                name, f"the view shows {whole_shown}", f"{whole}", self._at(version.offset), version
            )

    # --- the decider's store ---

    def _snapshot(self, name: str, wanted: Standing, rows: list[Row]) -> None:
        if wanted.sequence == 0 and not rows:
            return
        self._tally.looked("divergent")
        meant = (wanted.sequence, wanted.fact, wanted.chain, wanted.time)
        if not rows:
            told = f"one at sequence {wanted.sequence}"
            self._divergent(name, "no snapshot", told, self._at(wanted.offset))
            return
        state = orjson.loads(rows[0][2])
        found = tuple(state[member] for member in ("sequence", "fact_sequence", "chain", "time"))
        if found != meant or rows[0][1] != wanted.sequence:
            self._divergent(name, f"a snapshot at {_short(found)}", _short(meant), self._at(wanted.offset))
        elif self._is_file and (newest := wanted.newest) is not None:
            last = state["state"]["versions"][-1]
            if (last["state"], last["attempt"]) != (newest.state, newest.attempt):
                found_there = f"a snapshot with {last['state']}, attempt {last['attempt']}"
                self._divergent(name, found_there, _told(newest), self._at(newest.offset), newest)

    # --- work ---

    def _owed(self, name: str, subject: Subject, rows: list[Row]) -> None:
        wanted = subject.at("work")
        steps = {row[2] for row in rows if row[1] == "steps"}
        open_for = {row[3] for row in rows if row[1] != "steps"}
        for number, version in wanted.versions.items():
            if version.state in AWAITING:
                self._tally.looked("lost")
                if number not in steps:
                    self._lost(
                        name, f"version {number} in {version.state}, no open work", "a work item", version
                    )
            elif version.state == "ERROR" and version.due is not None:
                self._tally.looked("lost")
                # What the deadline asked may have been decided without a change of state.
                if version.due not in open_for and not subject.has_answered(hash(_asked_by(version.due))):
                    self._lost(
                        name, f"version {number} to be tried again, no deadline", "a deadline", version
                    )
        for event_id in wanted.follows:
            self._tally.looked("lost")
            if event_id not in open_for:
                what = "content that waited was neither announced again nor is there work to do so"
                self._tally.found("lost", Offender(name, what, "a follow-up", "", event_id))

    # --- what was expected ---

    def _answered(self, name: str, subject: Subject) -> None:
        for number, request_id in subject.wanted:
            self._tally.looked("lost")
            if not subject.has_answered(number):
                self._tally.found(
                    "lost", Offender(name, f"no record for request {request_id}", "one, it was acknowledged")
                )

    def _in_state(self, name: str, subject: Subject) -> None:
        if not subject.states:
            return
        self._tally.looked("lost")
        newest = subject.now.newest
        state = newest.state if newest else None
        if state not in subject.states:
            wanted = " or ".join(subject.states)
            self._tally.found(
                "lost", Offender(name, f"it ended in {state}", wanted, self._at(subject.now.offset))
            )

    def _lost(self, name: str, found: str, wanted: str, version: Version) -> None:
        self._tally.found("lost", Offender(name, found, wanted, self._at(version.offset), version.event_id))

    def _divergent(
        self, name: str, found: str, wanted: str, position: str, version: Version | None = None
    ) -> None:
        event_id = version.event_id if version else ""
        self._tally.found("divergent", Offender(name, found, wanted, position, event_id))

    def _at(self, offset: int) -> str:
        return f"{self._place}/{offset}"


def _none() -> Iterator[Row]:
    return iter(())


def _asked_by(event_id: str) -> str:
    """The id of the request that a deadline sends."""
    return str(uuid5(NAMESPACE, f"{event_id}\ndue\n1"))


def _told(version: Version) -> str:
    return f"{version.state}, attempt {version.attempt}, sequence {version.sequence}"


def _short(members: tuple[Any, ...]) -> str:
    sequence, fact, chain, time = members
    return f"sequence {sequence} (last fact {fact}), chain {chain[:12]}…, {time}"
