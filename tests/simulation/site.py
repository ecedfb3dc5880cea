"""A whole site without processes: deciders, projectors, dispatch, workers and timers, as often as is asked, unchanged.

Their own ``run`` loops are stepped by the scheduler; a worker's threads are tasks of one process. Replaced are the
ports only (log, database, decider's store, archive, reader of files, clock), the follower's pool of one thread, and in
workers the queue and the events that their threads wait at.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from consumers import dispatch, work_items
from consumers.arrivals import ArrivalsSeen
from consumers.homes import Homes
from consumers.sender import Sender
from consumers.timers import Timers
from consumers.tools import Configurations, Tools
from consumers.worker import Pace, Worker
from events.envelope import encode_request
from events.ids import partition_of
from events.log import Place
from events.memory_log import MemoryLog
from events.slack import SLACK
from events.topic_specs import topic_specs
from events.topics import Topics
from machines import MACHINES
from machines.desk import Desk
from projectors.follower import Follower
from projectors.outcome import Outcomes
from projectors.positions import position
from projectors.projector import Projector
from service.decider.owner import OwnerSettings, PartitionOwner
from service.decider.takeover import Seat
from tests.simulation import sql_projection, sql_work
from tests.simulation.archive import Archive, Reader
from tests.simulation.database import Database
from tests.simulation.ports import Clock, DeciderTables, SimulatedLog, SimulatedStore
from tests.simulation.scheduler import Alone, AtOnce, Queue, Scheduler, Signal, Task
from tests.told_readings import Told

__all__ = ["CONTENTS", "KINDS", "PARTITIONS", "TOPICS", "Process", "Site"]

assert {sql_projection, sql_work}  # what statements mean is written down there

TOPICS = Topics("sim")
PARTITIONS = {"file": 2, "group": 1, "identity": 1, "op": 1, "stream": 1}
KINDS = ("decider", "projector", "dispatch", "worker", "timers")
CONTENTS = {"a": b"first", "b": b"second", "c": b"third", "gone": b"never came", "bad": b"as announced"}
STREAM = "roman"
CONFIGURATION = {
    "stream": STREAM,
    "senders": ["soc"],
    "roots": ["file:///"],
    "register_table": "operations.l2_file",
    "retry": {"tries": 1, "first_s": 60.0, "factor": 1.0, "max_s": 60.0},
}
PACE = Pace(threads=1, large_at_once=1, lease_s=15.0, look_s=1.0, batch=5, apart_s=0.0)


@dataclass(eq=False)
class Process:
    """One process: it lives, stands, and dies as a whole."""

    name: str
    kind: str
    partition: int | None = None
    tasks: list[Task] = field(default_factory=list)
    store: SimulatedStore | None = None
    clock_offset: timedelta = timedelta(0)
    stop: Signal | None = None
    """How a decider is told to stop: its lease is another one's by now."""

    @property
    def is_over(self) -> bool:
        return all(task.is_over for task in self.tasks)


class Site:
    """Everything between requests and the archive. ``landing`` holds the announced files."""

    followed: tuple[str, ...] = ("file", "stream")
    """Machines whose ledgers projectors and dispatch follow."""

    configuration = CONFIGURATION

    def __init__(self, landing: Path) -> None:
        self.landing = landing
        # A pause is one turn: this machine's cores are not the site's, whose course follows from its seed alone.
        cast("Any", SLACK).pause = lambda at_most_s, wait: wait(at_most_s)
        self.scheduler = Scheduler()
        self.clock = Clock()
        self.inner = MemoryLog()
        self.log = SimulatedLog(self.inner, self.scheduler)
        self.database = Database(self.scheduler, lambda: self.clock.now)
        self.engine = cast("Any", self.database)
        self.tables = {machine: DeciderTables() for machine in PARTITIONS}
        self.database.outcomes = lambda: {
            key: row for tables in self.tables.values() for key, row in tables.outcomes.items()
        }
        self.archive = Archive(self.scheduler)
        self.processes: list[Process] = []
        self.started = 0
        self.asked = 0
        self.inner.ensure(topic_specs(TOPICS, PARTITIONS, ("soc",)))
        self._writer = self.inner.writer()
        self._make_stream()

    # --- processes ---

    def start(self, kind: str, partition: int = 0, *, machine: str = "file") -> Process:
        """One more process of this kind; it stands at its beginning."""
        self.started += 1
        process = Process(f"{kind}-{self.started}", kind)
        run: dict[str, Callable[[], list[tuple[str, Callable[[], Any]]]]] = {
            "decider": lambda: self._decider(process, machine, partition),
            "projector": lambda: self._follower(process, "projector"),
            "dispatch": lambda: self._follower(process, "dispatch"),
            "worker": lambda: self._worker(process),
            "timers": lambda: self._timers(process),
        }
        process.tasks = [
            self.scheduler.begin(f"{process.name}.{name}", target) for name, target in run[kind]()
        ]
        self.processes.append(process)
        return process

    def tasks(self) -> list[Task]:
        """All that can go on."""
        return [task for process in self.processes for task in process.tasks if not task.is_over]

    def kill(self, process: Process) -> None:
        """It dies where it stands."""
        for task in process.tasks:
            self.scheduler.kill(task)

    def end(self) -> None:
        """All processes die."""
        for process in self.processes:
            self.kill(process)

    # --- asking ---

    def ask(
        self, request: str, subject: str, data: dict[str, Any], *, actor: str = "soc", **more: Any
    ) -> bytes:
        """Put a request on its topic; its bytes."""
        self.asked += 1
        value = encode_request(
            id=str(UUID(int=self.asked)),
            type=request,
            subject=subject,
            actor=actor,
            source="test",
            at=self.clock.now,
            data=data,
            **more,
        )
        self.put(value, subject, machine=request.partition(".")[0])
        return value

    def put(self, value: bytes, subject: str, *, machine: str = "file") -> None:
        """Put these bytes on the requests topic once more."""
        place = partition_of(subject, PARTITIONS[machine])
        self._writer.send(TOPICS.requests(machine), key=subject.encode(), value=value, partition=place)

    def content(self, subject: str, name: str) -> dict[str, Any]:
        """What is announced of this content of a file. ``bad`` has other bytes than announced, ``gone`` has none."""
        body = CONTENTS[name]
        path = self.landing / f"{subject.partition('/')[2]}-{name}.fits"
        return {"uri": path.as_uri(), "size_bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}

    # --- looking ---

    def values(self, place: Place, *, committed: bool = True, start: int = 0) -> list[tuple[int, bytes]]:
        """Offsets and bytes of a partition."""
        reader = self.inner.reader(committed=committed)
        reader.assign({place: start})
        found: list[tuple[int, bytes]] = []
        while messages := reader.poll(at_most=1000, timeout_s=0.0).get(place):
            found += [(message.offset, message.value or b"") for message in messages]
        return found

    def standing(self) -> Any:
        """What changes as long as anything goes on."""
        rows = [
            (row["event_id"], row["state"])
            for name in ("work.item", "work.deadline")
            for row in self.database.rows(name)
        ]
        offsets = [
            row["next_offset"]
            for name in ("projection.position", "work.position")
            for row in self.database.rows(name)
        ]
        marks = [mark.next_offset for tables in self.tables.values() for mark in tables.marks.values()]
        return [len(self.inner._store.entries(place)) for place in self.places()], rows, offsets, marks

    def places(self) -> list[Place]:
        """All partitions of requests and ledgers."""
        return [
            Place(topic, number)
            for machine, count in PARTITIONS.items()
            for topic in (TOPICS.requests(machine), TOPICS.events(machine))
            for number in range(count)
        ]

    @cached_property
    def topic_ids(self) -> dict[str, str]:
        return self.inner.topic_ids(TOPICS.requests(machine) for machine in PARTITIONS)

    # --- making processes ---

    def _clock_of(self, process: Process) -> Callable[[], Any]:
        look = self.clock.seen()
        return lambda: look() + process.clock_offset

    def _decider(self, process: Process, machine: str, partition: int) -> list[tuple[str, Callable[[], Any]]]:
        process.partition = partition
        process.store = SimulatedStore(lambda: self.tables[machine], partition, self.scheduler)
        requests, ledger = TOPICS.requests(machine), TOPICS.events(machine)
        owner = PartitionOwner(
            seat=Seat(
                machine,
                partition,
                Place(ledger, partition),
                Place(requests, partition),
                self.topic_ids[requests],
            ),
            logs=self.log,
            topics=TOPICS,
            store=process.store,
            desk=Desk(MACHINES[machine], site=TOPICS.site),
            partitions=PARTITIONS[machine],
            settings=OwnerSettings(batch=4, subjects_kept=1, poll_s=0.0),
            clock=self._clock_of(process),
        )
        process.stop = stop = Signal(self.scheduler)
        return [("main", lambda: owner.run(stop))]  # type: ignore[arg-type]

    def _follower(self, process: Process, kind: str) -> list[tuple[str, Callable[[], Any]]]:
        is_projector = kind == "projector"
        follower = Follower(
            log=self.log,
            topics=TOPICS,
            engine=self.engine,
            name=kind,
            machines=self.followed,
            apply=Projector() if is_projector else dispatch.apply,
            positions_table=position if is_projector else work_items.position,
            batch=5,
        )
        follower._beside = AtOnce(kind)
        return [("main", lambda: follower.run(cast("Any", Signal(self.scheduler)), poll_s=0.0))]

    def _timers(self, process: Process) -> list[tuple[str, Callable[[], Any]]]:
        timers = Timers(
            engine=self.engine,
            sender=Sender(self.log.writer),
            topics=TOPICS,
            clock=self._clock_of(process),
            source=process.name,
        )
        return [("main", lambda: timers.run(cast("Any", Signal(self.scheduler))))]

    def _worker(self, process: Process) -> list[tuple[str, Callable[[], Any]]]:
        engine = self.engine
        tools = Tools(
            **self.ports(),
            engine=engine,
            log=self.log,
            topics=TOPICS,
            sender=Sender(self.log.writer),
            storage=cast("Any", self.archive),
            inspector=Reader(self.scheduler),
            outcomes=Outcomes(engine, site=TOPICS.site),
            configurations=Configurations(engine),
            homes=Homes(engine),
            arrivals=ArrivalsSeen(engine),
            clock=self._clock_of(process),
            bucket="archive",
            staging_dir=self.landing,
            host="host",
            worker=process.name,
            software_version="1",
        )
        worker, stop = Worker(tools, PACE, Told()), cast("Any", Signal(self.scheduler))
        worker._queue = cast("Any", Queue(self.scheduler))
        worker._reporting._rounds = cast("Any", Alone(worker._reporting._put))
        heavy, light = cast("Any", Signal(self.scheduler)), cast("Any", Signal(self.scheduler))
        worker._call_heavy, worker._call_light = heavy, light
        return [
            ("heavy", lambda: worker._keep_on("heavy", worker._claim_heavy, heavy, stop)),
            ("light", lambda: worker._keep_on("light", worker._claim_light, light, stop)),
            ("step", worker._work),
            ("beat", lambda: worker._beat(stop)),
        ]

    def ports(self) -> dict[str, Any]:
        """More of what workers are handed in."""
        return {}

    def _make_stream(self) -> None:
        """The stream is configured and Enabled before anything else happens."""
        self.ask("stream.configure", STREAM, {"configuration": self.configuration})
        self.ask("stream.start", STREAM, {})
        self.ask("stream.enable", STREAM, {})
        decider = self.start("decider", machine="stream")
        self.scheduler.proceed(decider.tasks[0], 10_000)
        self.kill(decider)
        self.processes.clear()
