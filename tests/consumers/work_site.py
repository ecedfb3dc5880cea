"""A whole site for tests of work: the real decider, dispatch, projector and workers, on a log in memory."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine

from consumers import parts
from consumers.answer import Answer
from consumers.storage import Storage
from consumers.tools import Inspects
from consumers.worker import Pace
from events import clock
from events.base import machine_of
from events.envelope import Record, decode_record, encode_request
from events.log import Log, Place
from events.topic_specs import topic_specs
from events.topics import MACHINES, Topics
from projectors.follower import Follower
from projectors.positions import position
from projectors.projector import Projector
from service.decider.process import Decider

QUICK = Pace(threads=3, lease_s=2.0, look_s=0.2, grace_s=2.0)
RETRY = {"tries": 2, "first_s": 0.2, "factor": 1.0, "max_s": 1.0}


@dataclass
class WorkSite:
    """Everything between requests and the archive."""

    engine: Engine
    log: Log
    topics: Topics
    storage: Storage
    bucket: str
    inspector: Inspects
    landing: Path
    partitions: dict[str, int] = field(
        default_factory=lambda: {"file": 2, "group": 1, "identity": 1, "op": 1, "stream": 1}
    )
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    announced: int = 0

    def __post_init__(self) -> None:
        self.log.ensure(topic_specs(self.topics, self.partitions, ()))
        self.writer = self.log.writer()

    def start(self, *, projector: bool = False) -> None:
        """Decider and dispatch begin; the projector where views are wanted."""
        decider = Decider(logs=self.log, engine=self.engine, topics=self.topics, partitions=self.partitions)
        self.run(lambda: decider.run(self.stop))
        self.run(
            lambda: parts.run_dispatch(log=self.log, topics=self.topics, engine=self.engine, stop=self.stop)
        )
        if projector:
            follower = Follower(
                log=self.log,
                topics=self.topics,
                engine=self.engine,
                name="projector",
                machines=MACHINES,
                apply=Projector(),
                positions_table=position,
            )
            self.run(lambda: follower.run(self.stop))

    def run(self, work: Callable[[], None]) -> threading.Thread:
        """In a thread of its own, until the site ends."""
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.threads.append(thread)
        return thread

    def start_worker(self, *, stop: threading.Event | None = None, **other: Any) -> threading.Thread:
        """One more worker."""
        given = {
            "log": self.log,
            "topics": self.topics,
            "engine": self.engine,
            "storage": self.storage,
            "inspector": self.inspector,
            "bucket": self.bucket,
            "staging_dir": self.landing / ".staging",
            "software_version": "test",
            "pace": QUICK,
            "stop": stop or self.stop,
            **other,
        }
        return self.run(lambda: parts.run_workers(**given))

    def run_timers(self) -> None:
        """Deadlines are sent when their time comes."""
        self.run(
            lambda: parts.run_timers(log=self.log, topics=self.topics, engine=self.engine, stop=self.stop)
        )

    def end(self) -> None:
        """Stop all."""
        self.stop.set()
        for thread in self.threads:
            thread.join(10)

    # --- asking and looking ---

    def ask(self, request: str, subject: str, data: dict[str, Any] | None = None, **extensions: Any) -> str:
        """Put a request on the log; its id."""
        identifier = str(uuid4())
        value = encode_request(
            **{
                "id": identifier,
                "type": request,
                "subject": subject,
                "actor": "soc",
                "source": "test",
                "at": clock.now(),
                "data": data or {},
                **extensions,
            }
        )
        self.writer.send(self.topics.requests(machine_of(request)), key=subject.encode(), value=value)
        return identifier

    def stream(self, name: str = "roman", **configuration: Any) -> None:
        """A stream in force, Enabled, with its root in the landing folder, trusted whatever comes."""
        (self.landing / name).mkdir(exist_ok=True)
        told = {
            "stream": name,
            "senders": ["soc"],
            "roots": [(self.landing / name).as_uri() + "/"],
            "format": "any",
            "register_table": "operations.l2_file",
            "retry": RETRY,
            "trust": {"bad_share": 1},
            **configuration,
        }
        self.ask("stream.configure", name, {"configuration": told})
        self.ask("stream.start", name)
        self.ask("stream.enable", name)

    def stream_from_store(self, name: str = "roman", **configuration: Any) -> None:
        """The stream's files lie in the object store from now on."""
        told = {
            "stream": name, "senders": ["soc"], "roots": [f"s3://{self.bucket}/landing/"], "format": "any",
            "register_table": "operations.l2_file", "retry": RETRY, **configuration,
        }  # fmt: skip
        self.ask("stream.configure", name, {"configuration": told})

    def place(self, name: str, content: bytes, *, stream: str = "roman") -> Path:
        """A file in the landing folder."""
        path = self.landing / stream / name
        path.write_bytes(content)
        return path

    def announce(self, path: Path, *, stream: str = "roman", **content: Any) -> str:
        """The file's subject, having asked for its arrival."""
        self.announced += 1
        told = {"uri": path.as_uri(), **content}
        data = {"content": told, "witness": f"inbox.soc/0/{self.announced}", "stream_version": 1}
        subject = f"{stream}/{path.stem}"
        self.ask("file.arrive", subject, data, correlationid=f"event-{self.announced}")
        return subject

    def records(self, machine: str = "file") -> list[Record]:
        """The whole ledger of a machine, by partition."""
        topic = self.topics.events(machine)
        found: list[Record] = []
        for number in range(self.partitions[machine]):
            found += [decode_record(value) for value in self._values(Place(topic, number))]
        return found

    def history(self, subject: str, machine: str = "file") -> list[Record]:
        """All records of a subject."""
        return [record for record in self.records(machine) if record.subject == subject]

    def types(self, subject: str) -> list[str]:
        """What happened to a file, in order, without the machine's name."""
        return [record.type.partition(".")[2] for record in self.history(subject)]

    def answers(self, sender: str = "soc") -> list[Answer]:
        """What a sender can read."""
        return [Answer.decode(value) for value in self._values(Place(self.topics.answers(sender), 0))]

    def state(self, subject: str) -> str | None:
        """Where a file stands."""
        history = self.history(subject)
        return history[-1].tostate if history else None

    def wait(self, subject: str, *states: str, timeout_s: float = 20.0) -> Record:
        """The last record, once the file stands in one of these states."""
        return self.until(
            lambda: self.history(subject)[-1] if self.state(subject) in states else None,
            timeout_s=timeout_s,
            what=lambda: f"{subject} {states}: {self.types(subject)}",
        )

    def until(
        self, look: Callable[[], Any], *, timeout_s: float = 20.0, what: Callable[[], str] = str
    ) -> Any:
        """What ``look`` gives, once it gives something."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"not in {timeout_s} s: {what()}")

    def _values(self, place: Place) -> Iterator[bytes]:
        reader = self.log.reader()
        reader.assign({place: 0})
        until = time.monotonic() + 2.0  # what somebody is still writing is for the next look
        while reader.position(place) < reader.end(place) and time.monotonic() < until:
            for message in reader.poll(at_most=10_000, timeout_s=0.05).get(place, []):
                assert message.value is not None
                yield message.value
        reader.close()


@contextmanager
def running(site: WorkSite, *, projector: bool = False, worker: bool = True) -> Iterator[WorkSite]:
    """The site at work, with a stream."""
    site.start(projector=projector)
    site.stream()
    if worker:
        site.start_worker()
    try:
        yield site
    finally:
        site.end()


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
