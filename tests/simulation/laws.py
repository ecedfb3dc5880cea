"""The laws as checks on a simulated site: what has to hold at any moment, and what once everything has come to rest."""

import hashlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import pytest

from events.envelope import Record, decode_record
from events.log import FencedError, Place
from events.upcast import upcast
from machines import MACHINES
from machines.desk import Desk
from projectors import merge
from projectors.folding import Folding, Folds
from projectors.halt import LostPositionError
from projectors.read_models import LIVE
from service.decider.halts import Halt, StoreFencedError, StoreUnavailableError
from tests.simulation.database import Database
from tests.simulation.model import Model
from tests.simulation.scheduler import Scheduler
from tests.simulation.site import PARTITIONS, TOPICS, Site

__all__ = ["LawBrokenError", "Laws"]

TAIL = 64 + len(',"chain":""}')
AT_REST = {"COMPLETE", "INVALID", "DISMISSED"}


class LawBrokenError(AssertionError):
    """``law`` is its number in the architecture; 0: no law, but a process died that should not have."""

    def __init__(self, law: int, message: str) -> None:
        super().__init__(f"law {law} is broken: {message}")
        self.law = law


@dataclass
class _Partition:
    """One partition of the ledger as far as it was looked at."""

    model: Model = field(default_factory=Model)
    records: list[tuple[Record, bytes]] = field(default_factory=list)
    last: dict[str, Record] = field(default_factory=dict)
    requests_read: int = 0
    ledger_read: int = 0


class Laws:
    """Looks at what is new since the last look, so that it can be asked after every step."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.partitions = [_Partition() for _ in range(PARTITIONS["file"])]
        self.allowed_halts: set[str] = set()
        self._folds = Folds(LIVE)

    def hold(self) -> None:
        """Everything that may never be broken, not even for a moment."""
        for number, partition in enumerate(self.partitions):
            self._read_requests(number, partition)
            self._read_ledger(number, partition)
        self._outcomes_are_those_of_the_ledger()
        self._nobody_goes_on_behind_the_ledger()
        self._what_is_projected_is_on_the_ledger()
        self._objects_are_what_their_names_say()
        self._nobody_died_of_a_bug()

    # --- law 1: only a ledger event changes state; sequence without gap or repeat, the chain unbroken ---
    # --- law 2: one record a request, the one that the model expects, in the order of the requests ---

    def _read_requests(self, number: int, partition: _Partition) -> None:
        place = Place(TOPICS.requests("file"), number)
        for offset, value in self._site.values(place, start=partition.requests_read):
            partition.model.take(value)
            partition.requests_read = offset + 1

    def _read_ledger(self, number: int, partition: _Partition) -> None:
        place = Place(TOPICS.events("file"), number)
        for offset, value in self._site.values(place, start=partition.ledger_read):
            record = decode_record(value, partition=number, offset=offset)
            self._follows(record, value, partition)
            self._is_expected(record, partition)
            partition.records.append((record, value))
            partition.last[record.subject] = record
            partition.ledger_read = offset + 1

    def _follows(self, record: Record, value: bytes, partition: _Partition) -> None:
        before = partition.last.get(record.subject)
        name = f"{record.subject}/{record.sequence} ({record.type})"
        wanted = before.sequence + 1 if before else 1
        if record.sequence != wanted:
            raise LawBrokenError(1, f"{name}: wanted sequence {wanted}")
        link = hashlib.sha256((before.chain if before else "").encode() + value[:-TAIL] + b"}").hexdigest()
        if record.chain != link:
            raise LawBrokenError(1, f"{name}: the chain does not follow from the record before")
        if before is not None and record.time < before.time:
            raise LawBrokenError(1, f"{name}: time goes back from {before.time} to {record.time}")
        if partition.records and record.ownerepoch < partition.records[-1][0].ownerepoch:
            last = partition.records[-1][0].ownerepoch
            raise LawBrokenError(2, f"{name}: unfenced, owner epoch {record.ownerepoch} after {last}")

    def _is_expected(self, record: Record, partition: _Partition) -> None:
        index = len(partition.records)
        expected = partition.model.records[index : index + 1]
        if not expected:
            raise LawBrokenError(2, f"{record.type} of {record.subject} answers no request that stands open")
        found = {
            "type": record.type,
            "subject": record.subject,
            "requestid": record.requestid,
            "sequence": record.sequence,
            "fromstate": record.fromstate,
            "tostate": record.tostate,
            "code": record.data.get("code") if record.is_refusal else None,
        }
        if not record.is_refusal:
            found |= {"version": record.version, "attempt": record.attempt}
        wanted = {name: getattr(expected[0], name) for name in found}
        if found != wanted:
            raise LawBrokenError(2, f"record {index} of the partition: found {found}, wanted {wanted}")

    # --- law 2: an outcome is the ledger's, or not there yet ---

    def _outcomes_are_those_of_the_ledger(self) -> None:
        by_id = {record.id: record for each in self.partitions for record, _ in each.records}
        for row in self._site.tables["file"].outcomes.values():
            record = by_id.get(row.record_id)
            if record is None or (row.ledger_offset, row.sequence, row.type, row.tostate) != (
                record.offset, record.sequence, record.type, record.tostate,
            ):  # fmt: skip
                raise LawBrokenError(2, f"the outcome {row} is not that of the ledger: {record}")

    def _nobody_goes_on_behind_the_ledger(self) -> None:
        """An owner begins behind the last request that an earlier owner's records answer, whatever was committed."""
        begun, self._site.log.begun = self._site.log.begun, []
        for place, offset, ledger_end in (each for each in begun if each[0].topic == TOPICS.requests("file")):
            answered = [
                int(record.requesttopic.rpartition("/")[2])
                for record, _ in self.partitions[place.partition].records
                if record.offset < ledger_end
            ]
            if offset <= max(answered, default=-1):
                raise LawBrokenError(2, f"{place}: begun again at {offset}, {max(answered)} is answered")

    # --- law 3: state is a fold of the ledger ---

    def _what_is_projected_is_on_the_ledger(self) -> None:
        """Up to each position every record, and behind it none."""
        rows = self._site.database.rows("projection.ledger")
        found = {
            (row["partition"], row["ledger_offset"]): row["event_id"]
            for row in rows
            if row["machine"] == "file"
        }
        wanted: dict[tuple[int, int], str] = {}
        for number, partition in enumerate(self.partitions):
            position = self._site.database.tables.get("projection.position", {}).get(
                ("projector", "file", number)
            )
            end = position["next_offset"] if position else 0
            wanted |= {
                (number, record.offset): record.id for record, _ in partition.records if record.offset < end
            }
        if found != wanted:
            twice = [key for key in found if key not in wanted]
            lost = [key for key in wanted if key not in found]
            raise LawBrokenError(3, f"projected beyond the position: {twice}; passed over: {lost}")

    def _rebuilt_equals_live(self) -> None:
        """A view dropped and filled anew, in one go, is equal row by row to the one that was live."""
        fresh = Database(Scheduler(), self._site.clock.seen())
        records = [
            upcast(decode_record(value, partition=number, offset=offset))
            for machine in ("file", "stream")
            for number in range(PARTITIONS[machine])
            for offset, value in self._site.values(Place(TOPICS.events(machine), number))
        ]
        folding = Folding(self._folds)
        for record in records:
            if record.type in self._folds.of:
                folding.fold(record)
        with fresh.begin() as connection, pytest.MonkeyPatch.context() as patched:
            patched.setattr(merge, "FEW", 0)  # by the way that many rows take
            folding.prepared()(connection)  # type: ignore[arg-type]
        for projection in self._folds.projections:
            name = projection.table.fullname
            rebuilt, live = fresh.tables.get(name, {}), self._site.database.tables.get(name, {})
            if rebuilt != live:
                differ = [key for key in {**rebuilt, **live} if rebuilt.get(key) != live.get(key)]
                key = differ[0]
                raise LawBrokenError(3, f"{name} {key}: rebuilt {rebuilt.get(key)}, live {live.get(key)}")
        self._views_are_as_the_model_says()

    def _views_are_as_the_model_says(self) -> None:
        rows = self._site.database.rows("projection.file_version")
        found = {(row["file"], row["version"]): (row["state"], row["attempt"]) for row in rows}
        wanted = {
            (subject, number): (version["state"], version["attempt"])
            for partition in self.partitions
            for subject, file in partition.model.files.items()
            for number, version in file["versions"].items()
        }
        if found != wanted:
            raise LawBrokenError(3, f"the view of versions has {found}, the model {wanted}")

    # --- law 5: effects run at least once, and look before they act ---

    def _objects_are_what_their_names_say(self) -> None:
        archive = self._site.archive
        for key, body in archive.objects.items():
            if hashlib.sha256(body).hexdigest() not in key or archive.puts[key] != 1:
                raise LawBrokenError(5, f"object {key}: {len(body)} bytes, put {archive.puts[key]} times")

    def _effects_are_those_of_the_facts(self) -> None:
        """COMPLETE: the object is there, and one row of the register that names it. A row: the object it names."""
        rows = self._site.database.tables.get("operations.l2_file", {})
        for row in rows.values():
            if hashlib.sha256(self._site.archive.objects.get(row["key"], b"")).hexdigest() != row["sha256"]:
                raise LawBrokenError(5, f"the register has {row['key']}, the archive has not")
        for partition in self.partitions:
            for record, _ in partition.records:
                if record.type == "file.registered" and record.actor == "worker":
                    row = rows.get((record.subject, record.version), {})
                    if str(row.get("row_id")) != record.data["row_id"]:
                        raise LawBrokenError(
                            5, f"{record.subject} v{record.version}: found {row} in the register"
                        )

    def _a_deadline_is_kept_once(self) -> None:
        for partition in self.partitions:
            kept = Counter(
                (record.subject, record.data["due_sequence"])
                for record, _ in partition.records
                if record.type == "file.retried" and record.data.get("due_sequence") is not None
            )
            if any(count > 1 for count in kept.values()):
                raise LawBrokenError(5, f"tried again more than once for one deadline: {kept}")

    # --- at rest ---

    def hold_at_rest(self, kinds: Collection[str]) -> None:
        """What has to hold once nothing is broken any more and everything has had its turn."""
        self.hold()
        for number, partition in enumerate(self.partitions):
            missing = partition.model.records[len(partition.records) :]
            if missing:
                raise LawBrokenError(2, f"partition {number}: lost, no record for {missing[0]}")
            outcomes = self._site.tables["file"].outcomes
            without = [record.id for record, _ in partition.records if record.id not in outcomes]
            if without:
                raise LawBrokenError(2, f"partition {number}: records without an outcome: {without}")
        self._snapshots_are_folds()
        if "projector" in kinds:
            self._rebuilt_equals_live()
        if "worker" in kinds:
            self._effects_are_those_of_the_facts()
            self._a_deadline_is_kept_once()
            self._nothing_waits_for_nobody()

    def _snapshots_are_folds(self) -> None:
        """Law 3 for the decider: what it would go on from is what a reading of the whole ledger gives."""
        desk = Desk(MACHINES["file"], site=TOPICS.site)
        for number, partition in enumerate(self.partitions):
            folded: dict[str, Any] = {}
            for record, _ in partition.records:
                desk.apply(folded.setdefault(record.subject, desk.new()), upcast(record), chain=record.chain)
            wanted = {name: desk.dump(subject) for name, subject in folded.items()}
            found = self._site.tables["file"].snapshots.get(number, {})
            if {name: found[name] for name in found if name in wanted} != wanted:
                raise LawBrokenError(3, f"snapshots of partition {number}: found {found}, wanted {wanted}")

    def _nothing_waits_for_nobody(self) -> None:
        """Every version has come to its end, and every item too, but for files that a person holds."""
        held = {
            subject for each in self.partitions for subject, file in each.model.files.items() if file["held"]
        }
        for row in self._site.database.rows("projection.file_version"):
            waits = row["state"] == "ERROR" and row["due_at"] and not row["is_superseded"]
            if row["file"] not in held and (waits or row["state"] not in {*AT_REST, "ERROR"}):
                raise LawBrokenError(5, f"{row['file']} v{row['version']} stays in {row['state']}: stuck")
        for item in self._site.database.rows("work.item"):
            if item["state"] not in {"done", "stale"} and item["subject"] not in held:
                raise LawBrokenError(5, f"the item {item} stays {item['state']}")

    # --- whoever dies, dies for a reason ---

    def _nobody_died_of_a_bug(self) -> None:
        for process in self._site.processes:
            for task in process.tasks:
                error = task.error
                if error is None or isinstance(error, FencedError | LostPositionError):
                    continue
                if isinstance(error, StoreFencedError | StoreUnavailableError):
                    continue  # while it drops its snapshots: the decider's process begins another owner
                if isinstance(error, Halt) and error.code in self.allowed_halts:
                    continue
                raise LawBrokenError(0, f"{task.name} died: {error!r}") from error
