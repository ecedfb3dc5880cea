"""A site with a past on real servers, and the empty servers that an export of it is brought into."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from consumers.answer import Answer
from consumers.dead_record import dead_letter
from consumers.deadletter import DeadLetters, Which
from consumers.intake_watch import group_of
from events.clock import now
from events.envelope import Record, decode_record, encode_request
from events.log import Message, Place
from events.topic_specs import sender_specs
from projectors.database import make_engine
from projectors.read_models import READ_MODELS
from service.roles import run_decider, run_dispatch, run_projector
from service.settings import load
from service.site import await_topics
from service.wiring import Wiring
from tests import leftovers
from tests.service.cli.a_site import Site, a_site, arrival, failure, started

__all__ = ["Past", "a_past", "until"]

PARTITIONS = "file=2,group=1,identity=1,op=1,stream=1"
SENDER = "keck-summit"
ALL = (run_decider, run_projector, run_dispatch)


@dataclass
class Past:
    """The site as it was, with what has to be found again."""

    site: Site
    environment: pytest.MonkeyPatch
    kafka: str
    repeated: Message
    """A request that was decided, as it stood on its topic."""
    waiting: Message
    """One that was not."""
    letter: str
    registers: list[Any] = field(default_factory=list)

    @property
    def wiring(self) -> Wiring:
        return self.site.wiring

    @property
    def log(self) -> Any:
        return self.site.client.log

    def views(self, engine: Engine) -> dict[str, list[Any]]:
        """Every row of every view, but for the offsets of the ledger."""
        query = "SELECT row FROM (SELECT to_jsonb(t) - 'ledger_offset' AS row FROM projection.{} t) ORDER BY row::text"
        with engine.connect() as connection:
            return {name: list(connection.scalars(text(query.format(name)))) for name in READ_MODELS}

    def rows(self, engine: Engine, query: str) -> list[Any]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def ledger(self) -> list[Record]:
        """The file machine's records, partition by partition, with their bytes' own chain."""
        return [decode_record(each.value) for place in self.places("file") for each in self.read(place)]

    def values(self) -> list[tuple[bytes | None, bytes | None, int]]:
        """Key, bytes and time of each record of each ledger, in order."""
        machines = ("file", "group", "identity", "op", "stream")
        places = [place for machine in machines for place in self.places(machine)]
        return [(each.key, each.value, each.timestamp_ms) for place in places for each in self.read(place)]

    def places(self, machine: str) -> list[Place]:
        name = self.wiring.topics.events(machine)
        return [Place(name, number) for number in range(self.log.partitions([name])[name])]

    def read(self, place: Place) -> list[Message]:
        """All that stands there."""
        reader = self.log.reader()
        try:
            reader.assign({place: reader.beginning(place)})
            found: list[Message] = []
            while reader.position(place) < reader.end(place):
                found += reader.poll(at_most=500, timeout_s=0.5).get(place, [])
            return found
        finally:
            reader.close()

    def put(self, topic: str, *messages: Message) -> None:
        writer = self.log.writer()
        for each in messages:
            writer.send(topic, key=each.key, value=each.value, partition=each.partition, headers=each.headers)
        writer.flush(20)
        writer.close()

    def lose(self, database: str) -> None:
        """Topics gone, an empty database in place of the other."""
        self.site.close()
        leftovers.remove_topics(self.kafka, prefix=f"{self.wiring.settings.site}.")
        self.environment.setenv("MERIDIAN_DATABASE", database)
        wiring = Wiring.of(load(), program="test")
        log = wiring.log()
        prefix = f"{wiring.settings.site}."
        until(lambda: not [name for name in log.names() if name.startswith(prefix)], "topics are still there")
        log.close()
        self.site = Site(wiring, type(self.site.client)(wiring, actor="ada", reason="a test"))

    def start(self) -> None:
        for role in ALL:
            self.site.start(role)
        await_topics(self.wiring)

    def stop(self) -> None:
        for role in ALL:
            self.site.stop(role)

    def engine(self) -> Engine:
        return self.site.client.engine

    def open_letters(self) -> dict[str, str]:
        """Origin and state of each dead letter by its id."""
        letters = DeadLetters(self.log, self.wiring.topics)
        return {
            each.letter.id: f"{each.letter.origin} {'open' if each.is_open else 'done'}"
            for each in letters.each(Which())
        }


@contextmanager
def a_past(
    environment: pytest.MonkeyPatch, tmp_path: Path, *, site: str, kafka: str, postgres: str
) -> Iterator[Past]:
    """Files in several states, a refusal, dead letters, a message nobody has taken, a request nobody has decided."""
    environment.setenv("MERIDIAN_PARTITIONS", PARTITIONS)
    with a_site(environment, tmp_path / "data", site=site, kafka=kafka, postgres=postgres) as running:
        past = Past(running, environment, kafka, *_live(running))
        try:
            yield past
        finally:
            past.site.close()


def _live(site: Site) -> tuple[Message, Message, str]:
    log, topics = site.client.log, site.wiring.topics
    log.ensure(sender_specs(topics, SENDER))
    for number in range(12):
        site.asks(f"keck/f{number}", arrival(f"f{number}"))
    for number in range(4):
        site.asks(f"keck/f{number}", started(), version=1, attempt=1)
    site.asks("keck/f3", failure(), version=1, attempt=1)
    past = Past(site, None, "", None, None, "")  # type: ignore[arg-type]  # to read with
    asked = Place(topics.requests("file"), 0)
    # Not a request: a dead letter, written by the decider in its own transaction, which leaves a gap there.
    past.put(asked.topic, Message(asked.topic, 0, 0, b"keck/f0", b"{", ()))
    until(lambda: len(past.read(Place(topics.deadletter, 0))) == 1, "no dead letter came")
    _notes(past)
    repeated = past.read(asked)[0]
    _settled(site)
    for role in ALL:
        site.stop(role)
    waiting = _undecided(past, repeated.key or b"")
    _messages(past)
    _registers(site.client.engine)
    _answered(past, site.client.engine)
    return repeated, waiting, "0/0"


def _notes(past: Past) -> None:
    """A dead letter of an inbox that is done with, and one that is open; the inbox begins where others ended."""
    topics = past.wiring.topics
    inbox = topics.inbox(SENDER)
    for number in range(2):
        message = Message(inbox, 0, number, None, b"\xff\xfe", (("ce_\udcff", b"1"),))
        key, value, headers = dead_letter(message, sender=SENDER, code="NOT_AN_EVENT", reason="no", at=now())
        past.put(topics.deadletter, Message(topics.deadletter, 0, 0, key, value, headers))
    letters = DeadLetters(past.log, topics)
    meant = [each.letter.id for each in letters.each(Which()) if each.letter.origin == f"{inbox}/0/0"]
    list(letters.discard(Which(ids=frozenset(meant)), actor="ada", reason="a test", clock=now))


def _settled(site: Site) -> None:
    """Views and work are as far as the decider."""
    query = text(
        "SELECT count(*) FROM decider.watermark w LEFT JOIN projection.position p USING (machine, partition) "
        "LEFT JOIN work.position d USING (machine, partition) "
        "WHERE w.next_offset > coalesce(p.next_offset, 0) OR w.next_offset > coalesce(d.next_offset, 0)"
    )

    def is_level() -> bool:
        with site.client.engine.connect() as connection:
            return connection.execute(query).scalar_one() == 0

    until(is_level, "views or work are behind")


def _undecided(past: Past, key: bytes) -> Message:
    """Acknowledged while no decider ran."""
    subject = key.decode()
    value = encode_request(
        id=str(uuid4()), type="file.note", subject=subject, actor="ada", source="test", at=now(),
        data={"text": "said before the export"}, reason="a test",
    )  # fmt: skip
    topic = past.wiring.topics.requests("file")
    message = Message(topic, 0, 0, key, value, ())
    past.put(topic, message)
    return message


def _messages(past: Past) -> None:
    """Three messages of a sender, of which intake has let go of two."""
    topics = past.wiring.topics
    inbox = topics.inbox(SENDER)
    for number in range(3):
        value = json.dumps({"specversion": "1.0", "id": f"m{number}"}).encode()
        past.put(inbox, Message(inbox, 0, 0, None, value, ()))
    writer = past.log.transactional("test.let.go")
    writer.begin()
    writer.commit({Place(inbox, 0): 2}, group=group_of(topics.site))
    writer.close()


def _answered(past: Past, engine: Engine) -> None:
    """A worker has given one answer, of many that are owed."""
    with engine.begin() as connection:
        owed = (
            "SELECT CAST(event_id AS text), subject FROM work.item WHERE effect = 'answer' ORDER BY 1 LIMIT 1"
        )
        event_id, subject = connection.execute(text(owed)).one()
        done = "UPDATE work.item SET state = 'done', finished_at = created_at WHERE effect = 'answer'"
        connection.execute(text(f"{done} AND event_id = :id"), {"id": event_id})
    given = Answer(accepted=True, event_id="m", at=now(), subject=subject, about={"id": event_id})
    topic = past.wiring.topics.answers(SENDER)
    past.put(
        topic,
        Message(topic, 0, 0, given.key, given.encode(), ()),
        Message(topic, 0, 0, b"x", b"no answer", ()),
    )


def _registers(engine: Engine) -> None:
    """Rows with gaps in their numbers."""
    with engine.begin() as connection:
        for number in (1, 2, 3):
            connection.execute(text(
                "INSERT INTO operations.l2_file (stream, subject, version, bucket, key, size_bytes, sha256, "
                "obs_start_utc, registered_by_event) VALUES ('keck', :subject, 1, 'b', 'k', 10, 'aa', "
                "'2026-11-21T06:00:00.123456Z', gen_random_uuid())"
            ), {"subject": f"keck/f{number}"})  # fmt: skip
        connection.execute(text("DELETE FROM operations.l2_file WHERE subject = 'keck/f2'"))


def until(condition: Callable[[], bool], otherwise: str, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def other_engine(address: str) -> Engine:
    """To look into the former database."""
    return make_engine(address, "test", pool_size=2)
