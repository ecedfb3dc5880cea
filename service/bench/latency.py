"""How long from a request handed to Kafka to its row in ``v1.file``, one at a time, the roles in their own processes.

Ours and the floor take turns within every tenth of a second. The floor is one process: it produces one message with
all acknowledgements, consumes it, inserts a row and commits.
"""

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from math import ceil
from typing import Any
from uuid import uuid4

import psutil
from sqlalchemy import Engine, text

from events.envelope import encode_request
from events.ids import partition_of
from events.log import Log, Place, Reader, TopicSpec, Writer
from projectors.outcome import CHANNEL as DECIDED
from projectors.projector import CHANNEL as PROJECTED
from service.bench.figure import Figure
from service.bench.timing import how_quiet
from service.site import await_topics, children_of, site_roles
from service.stack import local
from service.wiring import Wiring

__all__ = ["latency"]

ROLES = frozenset({"decider", "projector"})
EACH = 300
WARM_UP = 200
"""Before it counts: a broker just started compiles its code as it goes, and a site's has long done so."""

SLOT_S = 0.1
LIMIT_S = 20.0
TABLE = "operations.bench_latency"
FLOOR = "produce acks=all + consume + INSERT + COMMIT of one message"


def latency(wiring: Wiring, *, times: int, progress: Callable[[str], None]) -> list[Figure]:
    """p50 and p99 of ``times`` blocks of 300 requests, ten a second, with decider and projector as on a site."""
    roles = [role for role in site_roles() if role.name in ROLES]
    local.up(wiring.settings, roles=roles)
    await_topics(wiring)
    with _watching(wiring) as watch, _floor(wiring) as floor:
        _block(watch, floor, count=WARM_UP)
        blocks = []
        for number in range(times):
            quiet = how_quiet()
            ours, theirs, decided = _block(watch, floor, count=EACH)
            blocks.append((ours, theirs, {"decided_p50_ms": _percentile(decided, 50), **quiet}))
            said = f"p50 {_percentile(ours, 50)} ms, p99 {_percentile(ours, 99)} ms; floor {_percentile(theirs, 50)}"
            progress(f"turn {number + 1}: request to visible row {said}, {_percentile(theirs, 99)}")
    rss = {
        child["name"]: psutil.Process(child["pid"]).memory_info().rss // 1_000_000
        for child in children_of(wiring.settings)
        if child["name"] in ROLES
    }
    return [_figure(p, goal, blocks, rss) for p, goal in ((50, 3.0), (99, 10.0))]


Block = tuple[list[float], list[float], dict[str, Any]]


def _figure(p: int, goal: float, blocks: list[Block], rss: dict[str, int]) -> Figure:
    return Figure(
        name=f"request to visible row, light load, p{p}",
        unit="ms",
        runs=tuple(_percentile(ours, p) for ours, _, _ in blocks),
        floor_name=f"{FLOOR}, p{p}",
        floor_runs=tuple(_percentile(theirs, p) for _, theirs, _ in blocks),
        notes={"each_block": EACH, "a_second": round(1 / SLOT_S), "goal_at_most": goal, "rss_mb": rss},
        each=tuple(seen for _, _, seen in blocks),
    )


def _percentile(seconds: list[float], p: int) -> float:
    """In milliseconds."""
    return round(sorted(seconds)[ceil(len(seconds) * p / 100) - 1] * 1000, 2)


def _block(watch: "_Watch", floor: "_Floor", *, count: int) -> tuple[list[float], list[float], list[float]]:
    ours, theirs, decided = [], [], []
    began = time.perf_counter()
    for number in range(count):
        visible, known = watch.one()
        ours.append(visible)
        decided.append(known)
        _sleep_until(began + (number + 0.5) * SLOT_S)
        theirs.append(floor.one())
        _sleep_until(began + (number + 1) * SLOT_S)
    return ours, theirs, decided


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.perf_counter()))


class _Watch:
    """Sends one request and waits until its row can be seen, woken by the notices of decider and projector."""

    def __init__(self, writer: Writer, topic: str, partitions: int, connection: Any) -> None:
        self._writer = writer
        self._topic = topic
        self._partitions = partitions
        self._connection = connection

    def one(self) -> tuple[float, float]:
        """Seconds until the row was visible, and until the outcome was saved (or the row visible, if sooner)."""
        name = uuid4().hex
        subject, value = f"bench/{name}", _arrive(name)
        key, partition = subject.encode(), partition_of(subject, self._partitions)
        self._connection.notifies.clear()
        began, decided = time.perf_counter(), 0.0
        self._writer.send(self._topic, key=key, value=value, partition=partition)
        self._writer.flush(LIMIT_S)
        while not self._is_visible(subject):
            decided = self._noticed(began) or decided
            if time.perf_counter() - began > LIMIT_S:
                raise TimeoutError(f"{subject} was not visible in v1.file within {LIMIT_S} s")
        seconds = time.perf_counter() - began
        return seconds, decided or seconds

    def _is_visible(self, subject: str) -> bool:
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM v1.file WHERE file = %s", (subject,))
            return cursor.fetchone() is not None

    def _noticed(self, began: float) -> float:
        """Wait for a notice; seconds since ``began`` if it was the decider's, else 0."""
        if (
            not self._connection.notifies
        ):  # one that came with the answer to the last question waits for nobody
            select.select([self._connection], [], [], 0.5)
            self._connection.poll()
        channels = {each.channel for each in self._connection.notifies}
        self._connection.notifies.clear()
        return time.perf_counter() - began if DECIDED in channels else 0.0


@contextmanager
def _watching(wiring: Wiring) -> Iterator[_Watch]:
    logs, engine = wiring.log(), wiring.engine()
    writer, connection = logs.writer(), engine.raw_connection()
    raw: Any = connection.dbapi_connection
    raw.autocommit = True
    with raw.cursor() as cursor:
        cursor.execute(f"LISTEN {DECIDED}; LISTEN {PROJECTED}")
    try:
        yield _Watch(writer, wiring.topics.requests("file"), wiring.settings.partitions["file"], raw)
    finally:
        connection.invalidate()
        engine.dispose()
        writer.close()
        logs.close()


class _Floor:
    """One message after the other through Kafka into a row, in one process."""

    def __init__(self, writer: Writer, reader: Reader, place: Place, connection: Any) -> None:
        self._writer = writer
        self._reader = reader
        self._place = place
        self._connection = connection

    def one(self) -> float:
        """Seconds until the row was committed."""
        name = uuid4().hex
        value = _arrive(name)
        began = time.perf_counter()
        self._writer.send(self._place.topic, key=name.encode(), value=value, partition=0)
        self._writer.flush(LIMIT_S)
        while not (taken := self._reader.poll(at_most=1, timeout_s=LIMIT_S)):
            pass
        message = taken[self._place][0]
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {TABLE} VALUES (%s, %s)",  # noqa: S608 - our own name
                ((message.key or b"").decode(), (message.value or b"").decode()),
            )
        self._connection.commit()
        return time.perf_counter() - began


@contextmanager
def _floor(wiring: Wiring) -> Iterator[_Floor]:
    logs, engine = wiring.log(), wiring.engine()
    place = _make(logs, engine, f"{wiring.topics.site}.floor")
    writer, reader, connection = logs.writer(), logs.reader(committed=True), engine.raw_connection()
    reader.assign({place: reader.end(place)})
    try:
        yield _Floor(writer, reader, place, connection)
    finally:
        reader.close()
        writer.close()
        connection.close()
        engine.dispose()
        logs.close()


def _make(logs: Log, engine: Engine, topic: str) -> Place:
    logs.ensure([TopicSpec(topic, 1)])
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS {TABLE} (name text PRIMARY KEY, body jsonb)"))
    return Place(topic, 0)


def _arrive(name: str) -> bytes:
    identifier = str(uuid4())
    content = {"uri": f"s3://landing/{name}", "size_bytes": 100, "sha256": name * 2}
    return encode_request(
        id=identifier,
        type="file.arrive",
        subject=f"bench/{name}",
        actor="bench",
        source="bench",
        at=datetime.now(UTC),
        data={"content": content, "witness": f"inbox.bench/0/{name}", "stream_version": 1},
        causationid=identifier,
        correlationid=f"bench-{name}",
    )
