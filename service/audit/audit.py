"""One audit of one site: wait until it has settled, note one moment, look at every partition, then at the rest."""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from events.log import LogUnavailableError
from service.audit.children import Children
from service.audit.database import moment, reaching
from service.audit.effects_check import EffectsCheck
from service.audit.expected import read_expected
from service.audit.findings import COUNTERS, Findings, Tally
from service.audit.inbox_check import InboxCheck, note_dead_letters
from service.audit.job import Job
from service.audit.kafka_reader import KafkaReader
from service.audit.owed_check import check_owed
from service.audit.reach import DatabaseAwayError, LogAwayError, Place
from service.audit.settling import settle
from service.audit.topology import Topology
from service.decider.halts import StoreUnavailableError
from service.peak_memory import peak_rss_mb
from service.wiring import Wiring

__all__ = ["audit_site"]

Progress = Callable[[str], None]


def audit_site(
    wiring: Wiring,
    *,
    expected: Path | None = None,
    settle_s: float = 60.0,
    effects: bool = True,
    sample: float | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Check a site, also while it runs. Raises LogUnavailableError, StoreUnavailableError, StorageUnavailable.

    ``expected``: a file as ``service.audit.expected`` has it. ``settle_s``: how long what stood there at the beginning
    may take to be caught up with. ``effects``: whether the archive and its registers are looked at; ``sample``: the
    share of objects whose bytes are read, None: up to 1 GiB of them. ``processes``: one a core if not given; 0: all is
    done in this one.
    """
    at, began = datetime.now(UTC), time.monotonic()
    if expected is not None:
        for _ in read_expected(expected):
            pass  # a wrong line is told before an hour of work, not after
    count = len(os.sched_getaffinity(0)) if processes is None else processes
    with (
        _in_our_words(),
        tempfile.TemporaryDirectory(prefix="meridian-audit-") as folder,
        Children(count) as children,
    ):
        reader = KafkaReader(wiring.endpoints.kafka)
        run = _Run(wiring, reader, Path(folder), expected, children, progress or _silent)
        tally, notes = run.look(settle_s=settle_s, effects=effects, sample=sample)
    seconds = time.monotonic() - began
    counters = {name: tally.counters[name] for name in COUNTERS}
    numbers: dict[str, Any] = {**tally.numbers}
    return Findings(
        wiring.settings.site, at, seconds, counters, tally.counters["tainted"], numbers, tuple(notes)
    )


@contextmanager
def _in_our_words() -> Iterator[None]:
    """A server that is away, as everything else that asks for one knows it."""
    try:
        yield
    except LogAwayError as error:
        raise LogUnavailableError(str(error)) from error
    except DatabaseAwayError as error:
        raise StoreUnavailableError(str(error)) from error


@dataclass(frozen=True)
class _Moment:
    """How far every reader of the ledger had come, and what was in quarantine, at one moment of the database."""

    snapshot: str
    positions: Mapping[tuple[str, str, int], int]
    tainted: Sequence[str]
    passed: Sequence[tuple[str, int, int, str]]

    def passed_in(self, machine: str, partition: int) -> dict[str, str]:
        """Records of a partition that a person has led every part past: SHA-256 by offset."""
        return {
            str(at): digest
            for name, number, at, digest in self.passed
            if (name, number) == (machine, partition)
        }

    def cuts(self, machine: str, partition: int) -> dict[str, int]:
        """How far each of them had come in a partition."""
        return {cut: self.positions.get((cut, machine, partition), 0) for cut in ("view", "work", "saved")}


@dataclass(frozen=True)
class _Run:
    wiring: Wiring
    reader: KafkaReader
    folder: Path
    expected: Path | None
    children: Children
    progress: Progress

    def look(self, *, settle_s: float, effects: bool, sample: float | None) -> tuple[Tally, list[str]]:
        """Everything; the counts, and what was left out."""
        endpoints, site = self.wiring.endpoints, self.wiring.settings.site
        topology = Topology.found(self.reader, site)
        if not topology.machines:
            raise LogUnavailableError(
                f"kafka at {endpoints.kafka}: found no ledger of the site {site}; is this the right server, "
                "the right --site? meridian up makes a site"
            )
        tally, notes = Tally(), []
        self.progress("waiting until the site has settled")
        settle(self.reader, endpoints.database, topology, tally, settle_s=settle_s)
        # In this order: what was let go first, then what has to have come of it.
        taken = self.reader.committed(f"{site}.intake", topology.inboxes)
        decided = self._decided(topology)
        tally.count("dead letters", note_dead_letters(self.reader, topology, self.folder / "dead.sqlite"))
        with moment(endpoints.database) as connection, reaching():
            noted = _noted(connection)
            tally.tainted = frozenset(noted.tainted)
            jobs = list(self._jobs(topology, noted, decided, effects=effects))
            self.progress(f"reading {sum(job.ledger_end for job in jobs)} offsets of {len(jobs)} partitions")
            _take_all(tally, self.children.results(jobs))
            check_owed(connection, site, tally)
        scratches = [job.scratch for job in jobs]
        self.progress("looking at the inboxes")
        inboxes = InboxCheck(self.reader, topology, taken, folder=self.folder, tally=tally)
        inboxes.run(scratches, self.expected)
        if effects:
            self.progress("looking at the archive and its registers")
            storage = self.wiring.storage()
            check = EffectsCheck(storage, endpoints.database, folder=self.folder, tally=tally, sample=sample)
            notes += check.run(scratches, self.wiring.bucket)
        else:
            notes.append("the archive and its registers were not looked at (--no-effects)")
        tally.looked("tainted", len(noted.tainted))
        if noted.passed:
            notes.append(
                f"{len(noted.passed)} records that a person has led every part past (meridian recover)"
            )
        return tally, notes

    def _decided(self, topology: Topology) -> dict[Place, int]:
        found: dict[Place, int] = {}
        for machine in topology.machines:
            places = topology.places([topology.asked(machine)])
            found |= self.reader.committed(f"{topology.site}.{machine}.decider", places)
        return found

    def _jobs(
        self, topology: Topology, noted: _Moment, decided: Mapping[Place, int], *, effects: bool
    ) -> Iterator[Job]:
        """The largest partitions first, so that no process is left alone with one at the end."""
        begins, ends = self.reader.beginnings(topology.requests), self.reader.ends(topology.requests)
        ids = self.reader.topic_ids({place.topic for place in topology.requests})
        ledgers = self.reader.ends(topology.ledgers)
        for place in sorted(ledgers, key=lambda each: -ledgers[each]):
            machine = topology.machine_of(place)
            asked = Place(topology.asked(machine), place.partition)
            yield Job(
                kafka=self.wiring.endpoints.kafka,
                database=self.wiring.endpoints.database,
                snapshot=noted.snapshot,
                site=topology.site,
                machine=machine,
                partition=place.partition,
                partitions=topology.topics[place.topic],
                ledger=place.topic,
                ledger_end=ledgers[place],
                requests=asked.topic,
                requests_id=ids[asked.topic],
                requests_begin=begins[asked],
                requests_end=ends[asked],
                decided=decided.get(asked, 0),
                cuts=noted.cuts(machine, place.partition),
                tainted=list(noted.tainted),
                folder=str(self.folder),
                effects=effects,
                passed=noted.passed_in(machine, place.partition),
                expected=str(self.expected) if self.expected else None,
            )


def _silent(_said: str) -> None:
    """Nobody wants to know."""


def _noted(connection: Any) -> _Moment:
    cursor = connection.cursor()
    cursor.execute("SELECT pg_export_snapshot()")
    (snapshot,) = cursor.fetchone()
    cursor.execute(_POSITIONS)
    positions = {(cut, machine, partition): offset for cut, machine, partition, offset in cursor}
    cursor.execute("SELECT subject FROM projection.tainted")
    tainted = [row[0] for row in cursor]
    cursor.execute("SELECT machine, partition, ledger_offset, sha256 FROM decider.passed")
    return _Moment(snapshot, positions, tainted, cursor.fetchall())


def _take_all(tally: Tally, results: Iterable[dict[str, Any]]) -> None:
    """Counts of every partition, the time that they took together, and the memory that each process had at its most."""
    began, peaks = time.monotonic(), {}
    for told in results:
        tally.add(told)
        peaks[told["pid"]] = told["rss_mb"]
    tally.count("partitions_ms", int((time.monotonic() - began) * 1000))
    peaks[os.getpid()] = peak_rss_mb()
    tally.count("rss_mb", max(peaks.values()))
    tally.count("rss_all_mb", sum(peaks.values()))


_POSITIONS = """
    SELECT 'view', machine, partition, next_offset FROM projection.position WHERE follower = 'projector'
    UNION ALL
    SELECT 'work', machine, partition, next_offset FROM work.position WHERE follower = 'dispatch'
    UNION ALL
    SELECT 'saved', machine, partition, next_offset FROM decider.watermark
"""
