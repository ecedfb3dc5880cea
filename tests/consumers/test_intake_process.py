"""Intake on real servers: nothing is lost at the door, whatever dies."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest
from sqlalchemy import Engine, text

from consumers.answer import Answer
from consumers.dead_record import DeadLetter
from consumers.intake_process import IntakeSettings, run_intake
from consumers.intake_watch import ProgressWatch, group_of
from consumers.reading import read_to_end
from events.ids import derived_id
from events.kafka_log import KafkaLog
from events.log import Headers, Message, Place
from events.topic_specs import INBOX_PARTITIONS, sender_specs, topic_specs
from events.topics import Topics
from projectors.database import make_engine
from projectors.stream_rules import LiveRules, StreamRule
from projectors.stream_status import stream_status
from tests.consumers.at_the_door import a_stream, an_event, an_s3_record

SENDER = "roman-soc"


@pytest.fixture
def topics(site):
    return Topics(site)


@pytest.fixture
def log(kafka, topics):
    log = KafkaLog(kafka)
    log.ensure(topic_specs(topics, {"file": 4, "stream": 1}, [SENDER]))
    yield log
    log.close()


@pytest.fixture
def engine(postgres) -> Iterator[Engine]:
    """A database whose views know one stream."""
    engine = make_engine(postgres, "test")
    apply(engine, a_stream())
    yield engine
    engine.dispose()


def apply(engine: Engine, rule: StreamRule) -> None:
    told = {
        "stream": rule.stream,
        "state": rule.state,
        "version": rule.version,
        "configuration": rule.configuration.model_dump_json(),
    }
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO projection.stream_status (stream, state, since_at, configuration_version, configuration,"
                " sequence, event_id, partition, ledger_offset)"
                " VALUES (:stream, :state, now(), :version, CAST(:configuration AS jsonb), 1, gen_random_uuid(), 0, 0)"
                " ON CONFLICT (stream) DO UPDATE SET state = excluded.state, configuration = excluded.configuration"
            ),
            told,
        )
        connection.execute(text("NOTIFY meridian_stream"))


@pytest.fixture
def settings(kafka, postgres, site, tmp_path):
    return IntakeSettings(bootstrap=kafka, database_url=postgres, site=site, data_dir=str(tmp_path))


@contextmanager
def running(settings: IntakeSettings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=run_intake, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        began = time.monotonic()
        thread.join(20)
        assert not thread.is_alive()
        assert time.monotonic() - began < 9


def child() -> psutil.Process:
    """The process with the Faust application."""
    (found,) = [each for each in psutil.Process().children(recursive=True) if is_intake(each)]
    return found


def is_intake(process: psutil.Process) -> bool:
    """Whether the process is one of intake's; one that has just ended (a server of the tests has many) is none."""
    try:
        return "consumers.intake_process" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def send(log: KafkaLog, topics: Topics, *events: Any, sender: str = SENDER, headers: Headers = ()) -> None:
    writer = log.writer()
    for event in events:
        value = event if isinstance(event, bytes) or event is None else orjson.dumps(event)
        writer.send(topics.inbox(sender), key=b"" if value is None else None, value=value, headers=headers)
    writer.close()


def wait_for(
    log: KafkaLog, topic: str, count: int, *, limit_s: float = 40.0, every_s: float = 0.1
) -> list[Message]:
    until = time.monotonic() + limit_s
    found: list[Message] = []
    while time.monotonic() < until:
        found = list(read_to_end(log, topic))
        if len(found) >= count:
            return found
        time.sleep(every_s)
    pytest.fail(f"{topic}: {len(found)} of {count} after {limit_s} s")


def ids_on(log: KafkaLog, topic: str) -> list[str]:
    return [orjson.loads(message.value or b"")["id"] for message in read_to_end(log, topic)]


def test_what_is_said_at_the_door_is_asked_of_the_machines_in_either_mode(log, topics, engine, settings):
    event = an_event(id="binary")
    headers = [(f"ce_{name}", str(event[name]).encode()) for name in ("specversion", "id", "source", "type")]
    send(log, topics, an_event(id="structured"), None, b"\xff\x00 not json")
    send(log, topics, event["data"], headers=(*headers, ("content-type", b"application/json")))
    with running(settings):
        found = wait_for(log, topics.requests("file"), 2)
        letters = [DeadLetter.read(message) for message in wait_for(log, topics.deadletter, 2)]
        answers = [Answer.decode(message.value) for message in wait_for(log, topics.answers(SENDER), 2)]
    assert {orjson.loads(message.value or b"")["correlationid"] for message in found} == {
        "structured",
        "binary",
    }
    assert {letter.value for letter in letters} == {None, b"\xff\x00 not json"}
    assert {answer.origin for answer in answers} == {letter.origin for letter in letters}


def test_offsets_follow_what_was_written(log, topics, engine, settings):
    """So that a restart reads nothing again, and the watch over intake can tell whether it gets on."""
    send(log, topics, *(an_event(id=str(number)) for number in range(50)))
    with running(settings):
        wait_for(log, topics.requests("file"), 50)
    places = [Place(topics.inbox(SENDER), number) for number in range(INBOX_PARTITIONS)]
    assert sum(offset or 0 for offset in log.committed(group_of(topics.site), places).values()) == 50
    watch = ProgressWatch(log, group_of(topics.site), limit_s=1)
    assert [watch.stalled([topics.inbox(SENDER)], now=now) for now in (0.0, 10.0, 20.0)] == [None, None, None]
    send(log, topics, an_event())
    assert watch.stalled([topics.inbox(SENDER)], now=30.0) is not None


def test_the_rules_are_those_of_the_view_that_projectors_write(postgres):
    engine = make_engine(postgres, "test")
    rule = a_stream("roman-wfi", state="Offline", version=7)
    row = {
        "stream": rule.stream,
        "state": rule.state,
        "since_at": datetime.now(UTC),
        "is_held": True,
        "configuration": rule.configuration.model_dump(mode="json"),
        "configuration_version": rule.version,
        "sequence": 1,
        "event_id": "6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a11",
        "partition": 0,
        "ledger_offset": 0,
    }
    with engine.begin() as connection:
        connection.execute(stream_status.table.insert(), row)
    assert LiveRules(engine).refresh() == {"roman-wfi": replace(rule, held=True)}
    engine.dispose()


def test_the_rules_are_followed_through_an_outage_of_the_database(engine, postgres):
    stop, rules = threading.Event(), LiveRules(make_engine(postgres, "followed"), refresh_s=60)
    thread = threading.Thread(target=rules.follow, args=(stop,))
    thread.start()
    assert rules.changed.wait(10)
    rules.changed.clear()
    with engine.connect() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'followed'"
        connection.execute(text(others))
    time.sleep(2)  # the outage, and the way back from it
    apply(engine, a_stream("keck-kcwi"))
    assert rules.changed.wait(10)
    assert set(rules.current()) == {"roman-wfi", "keck-kcwi"}
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_every_file_of_an_exposure_announced_at_once_is_asked_for(log, topics, engine, settings):
    apply(engine, a_stream(roles=({"pattern": r".*\.json", "value": "sidecar"},)))
    names = [f"MC_O_1_R{number:03d}.{kind}" for number in range(205) for kind in ("fits", "json")]
    with running(settings):
        send(log, topics, *({"Records": [an_s3_record(name, sequencer=name)]} for name in names))
        found = wait_for(log, topics.requests("file"), 410)
    assert len({message.key for message in found}) == 410


def test_a_message_of_eight_mebibytes_is_a_dead_letter_and_the_stream_goes_on(log, topics, engine, settings):
    large = b"x" * (8 * 1024 * 1024)
    with running(settings):
        send(log, topics, large, an_event())
        wait_for(log, topics.requests("file"), 1)
        (message,) = wait_for(log, topics.deadletter, 1)
    letter = DeadLetter.read(message)
    assert (letter.code, letter.value == large) == ("TOO_LARGE", True)


@pytest.mark.slow
def test_a_killed_child_loses_nothing_and_asks_again_under_the_same_ids(log, topics, engine, settings):
    """Killed twice, each time in the middle of what had piled up."""
    wanted = {derived_id(f"{SENDER}/{number}", "arrive", 1) for number in range(8000)}
    with running(settings):
        for burst in range(0, 8000, 4000):
            before = len(ids_on(log, topics.requests("file")))
            sending = threading.Thread(
                target=send,
                args=(log, topics, *(an_event(id=str(number)) for number in range(burst, burst + 4000))),
            )
            sending.start()
            wait_for(log, topics.requests("file"), before + 1, every_s=0.01)
            os.kill(child().pid, signal.SIGKILL)
            assert not wanted <= set(ids_on(log, topics.requests("file")))
            sending.join()
        until = time.monotonic() + 60
        while not wanted <= set(ids_on(log, topics.requests("file"))) and time.monotonic() < until:
            time.sleep(0.5)
    assert wanted == set(ids_on(log, topics.requests("file")))


def test_a_stream_and_a_sender_that_come_later_are_known_within_seconds(log, topics, engine, settings):
    with running(settings):
        send(log, topics, an_event())
        wait_for(log, topics.requests("file"), 1)
        log.ensure(sender_specs(topics, "keck"))
        apply(engine, a_stream("keck-kcwi", senders=("keck",), roots=("s3://keck",)))
        event = {**an_event(source="keck"), "data": {"stream": "keck-kcwi", "uri": "s3://keck/KB.1.fits"}}
        began = time.monotonic()
        send(log, topics, event, sender="keck")
        wait_for(log, topics.requests("file"), 2)
        took = time.monotonic() - began
    assert took < 5
    assert list(read_to_end(log, topics.deadletter)) == []


def test_while_the_database_is_away_nothing_is_refused(log, topics, engine, settings, postgres):
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE v1.stream RENAME TO elsewhere"))
    with running(settings):
        send(log, topics, an_event())
        time.sleep(5)
        assert list(read_to_end(log, topics.deadletter)) == []
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE v1.elsewhere RENAME TO stream"))
        wait_for(log, topics.requests("file"), 1)


def test_told_to_stop_while_a_server_is_away_it_leaves_by_itself_and_the_message_is_read_again(
    log, topics, engine, settings, capfd
):
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE v1.stream RENAME TO elsewhere"))
    said = ""
    with running(settings):
        send(log, topics, an_event())
        until = time.monotonic() + 40
        while "intake waits" not in said and time.monotonic() < until:
            said += capfd.readouterr().err
            time.sleep(0.1)
    said += capfd.readouterr().err
    lines = [json.loads(line) for line in said.splitlines() if line]
    assert "intake waits" in [each["message"] for each in lines]
    assert not [each for each in lines if "did not stop in time" in each["message"]]
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE v1.elsewhere RENAME TO stream"))
    with running(settings):
        wait_for(log, topics.requests("file"), 1)


def test_a_parent_that_dies_takes_its_child_with_it(log, topics, engine, settings, tmp_path):
    script = (
        "import json, sys, threading\n"
        "from consumers.intake_process import IntakeSettings, run_intake\n"
        "run_intake(IntakeSettings(**json.loads(sys.argv[1])), threading.Event())\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, json.dumps(asdict(settings))], cwd=Path(__file__).parents[2]
    )
    send(log, topics, an_event())
    wait_for(log, topics.requests("file"), 1)
    (orphan,) = psutil.Process(parent.pid).children()
    parent.kill()
    parent.wait()
    orphan.wait(10)
    assert not orphan.is_running()
