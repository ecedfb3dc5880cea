"""The decider's process on a real Kafka and a real PostgreSQL."""

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text

from events.envelope import decode_record, encode_request
from events.ids import partition_of
from events.kafka_log import KafkaLog
from events.log import Place
from events.topics import Topics
from projectors.database import make_engine
from projectors.outcome import Outcomes
from service.decider.halts import Halt, StoreFencedError, StoreUnavailableError
from service.decider.owner import OwnerSettings
from service.decider.process import Decider
from service.decider.store import OutcomeRow, Watermark
from service.snapshots import Snapshots, is_halted, record_halt
from tests.machines.given import arrival

PARTITIONS = {"file": 2, "group": 1, "identity": 1, "op": 1, "stream": 1}


@pytest.fixture
def parts(kafka, site, postgres):
    """Log, topics, engine of a site of its own."""
    logs, engine = KafkaLog(kafka), make_engine(postgres, "test")
    yield logs, Topics(site), engine
    engine.dispose()
    logs.close()


def running(logs, topics, engine, owner, **more):
    """A decider in a thread, and how to stop it."""
    decider = Decider(
        logs=logs,
        engine=engine,
        topics=topics,
        partitions=PARTITIONS,
        settings=OwnerSettings(poll_s=0.1),
        owner=owner,
        **more,
    )
    stop = threading.Event()
    thread = threading.Thread(target=decider.run, args=(stop,), daemon=True)
    thread.start()

    def end():
        stop.set()
        thread.join(10)
        assert not thread.is_alive()

    return end


def ask(logs, topics, subjects):
    """Arrivals of these subjects; (subject, request id) each."""
    writer, asked = logs.writer(), []
    for subject in subjects:
        identifier = str(uuid4())
        value = encode_request(
            id=identifier,
            type="file.arrive",
            subject=subject,
            actor="somebody",
            source="test",
            at=datetime.now(UTC),
            data=arrival(),
        )
        number = partition_of(subject, PARTITIONS["file"])
        writer.send(topics.requests("file"), key=subject.encode(), value=value, partition=number)
        asked.append((subject, identifier))
    writer.flush(10)
    writer.close()
    return asked


def outcomes_of(engine, topics, asked):
    """What became of these, within some seconds."""
    return Outcomes(engine, site=topics.site).wait(asked, timeout_s=20)


def ledger(logs, topics):
    """Every committed record of the machine file."""
    reader, found = logs.reader(committed=True), []
    places = [Place(topics.events("file"), number) for number in range(PARTITIONS["file"])]
    reader.assign(dict.fromkeys(places, 0))
    while any(reader.position(place) < reader.end(place) for place in places):
        for messages in reader.poll(at_most=500, timeout_s=0.2).values():
            found += [decode_record(each.value) for each in messages]
    reader.close()
    return found


def test_requests_are_decided_once_and_whoever_asked_learns_it(parts):
    logs, topics, engine = parts
    end = running(logs, topics, engine, "one")
    asked = ask(logs, topics, [f"roman/{number}" for number in range(50)])
    found = Outcomes(engine, site=topics.site).wait(asked, timeout_s=20)
    end()
    assert {each.request_id: each.tostate for each in found.values()} == {
        request: "QUEUED" for _, request in asked
    }
    assert sorted(record.requestid for record in ledger(logs, topics)) == sorted(
        request for _, request in asked
    )


def test_a_second_decider_takes_over_what_the_first_lets_go_and_goes_on_from_there(parts):
    logs, topics, engine = parts
    end_first = running(logs, topics, engine, "one")
    outcomes = Outcomes(engine, site=topics.site)
    before = ask(logs, topics, ["roman/a", "roman/b"])
    assert len(outcomes.wait(before, timeout_s=20)) == 2
    end_second = running(logs, topics, engine, "two")
    end_first()
    began = time.monotonic()
    after = ask(logs, topics, ["roman/c", "roman/d"])
    assert len(outcomes.wait(after, timeout_s=20)) == 2
    assert time.monotonic() - began < 10, "the next decision comes within 10 s of a takeover"
    end_second()
    records = ledger(logs, topics)
    assert len(records) == 4
    epoch = {record.subject: record.ownerepoch for record in records}
    number = {subject: partition_of(subject, PARTITIONS["file"]) for subject in epoch}
    for early, _ in before:
        later_ones = [epoch[late] for late, _ in after if number[late] == number[early]]
        assert all(later > epoch[early] for later in later_ones)


def test_a_topic_made_anew_behind_our_back_is_refused(parts):
    logs, topics, engine = parts
    running(logs, topics, engine, "one")()
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE decider.topic SET topic_id = 'another' WHERE name = :name"),
            {"name": topics.events("file")},
        )
    with pytest.raises(Halt, match="TOPIC_ID_CHANGED") as caught:
        running(logs, topics, engine, "one")
    assert "meridian recover --explain" in str(caught.value)


def test_a_topic_that_is_gone_is_not_made_anew(parts):
    logs, topics, engine = parts
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO decider.topic VALUES (:name, 'an id', 2, now())"),
            {"name": topics.events("file")},
        )
    with pytest.raises(Halt, match="LEDGER_GONE"):
        running(logs, topics, engine, "one")
    assert topics.events("file") not in logs.names()


def test_other_partition_counts_are_refused(parts):
    logs, topics, engine = parts
    running(logs, topics, engine, "one")()
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE decider.topic SET partitions = 64 WHERE name = :name"),
            {"name": topics.events("file")},
        )
    with pytest.raises(Halt, match="PARTITIONS_CHANGED"):
        running(logs, topics, engine, "one")


def test_a_halt_is_written_down_and_stands_until_it_is_taken_away(parts):
    _, _, engine = parts
    record_halt(
        engine,
        part="decider",
        machine="file",
        partition=1,
        halt=Halt("BEYOND_END", "found 9, wanted 3", end=3),
    )
    assert is_halted(engine, part="decider", machine="file", partition=1)
    assert not is_halted(engine, part="decider", machine="file", partition=0)


def test_text_that_copy_has_to_escape_survives_in_snapshots(parts):
    _, _, engine = parts
    store = Snapshots(engine, machine="file", partition=0)
    awkward = 'a\\b"\t\n\r\\N\\.'
    store.save([(awkward, 1, b'{"x":"\\\\ \\t \\u00e9"}')], [], Watermark(1, 1, "id", 1, 1))
    assert store.load([awkward]) == {awkward: b'{"x":"\\\\ \\t \\u00e9"}'}


def test_an_earlier_owner_can_not_move_the_watermark(parts):
    _, _, engine = parts

    store = Snapshots(engine, machine="file", partition=0)
    store.save([], [], Watermark(5, 5, "id", 1, 2))
    with pytest.raises(StoreFencedError, match="later owner"):
        store.save([], [], Watermark(6, 6, "id", 1, 1))
    assert store.watermark() == Watermark(5, 5, "id", 1, 2)


def test_snapshots_that_a_successor_goes_by_can_not_be_dropped_by_the_owner_before(parts):
    _, _, engine = parts
    former, successor = (Snapshots(engine, machine="file", partition=0) for _ in range(2))
    former.save([("roman/a", 1, b"{}")], [], Watermark(5, 5, "id", 1, 1))
    assert successor.watermark() == Watermark(5, 5, "id", 1, 1)
    successor.save([("roman/a", 2, b"[]")], [], Watermark(6, 6, "id", 1, 2))
    with pytest.raises(StoreFencedError, match="another owner"):
        former.forget()
    assert successor.load(["roman/a"]) == {"roman/a": b"[]"}


def test_a_successor_notices_that_its_snapshots_were_dropped_under_it(parts):
    _, _, engine = parts
    former, successor = (Snapshots(engine, machine="file", partition=0) for _ in range(2))
    former.save([("roman/a", 1, b"{}")], [], Watermark(5, 5, "id", 1, 1))
    successor.watermark()
    former.forget()
    with pytest.raises(StoreFencedError, match="not Watermark"):
        successor.save([], [], Watermark(5, 5, "id", 1, 2))
    assert successor.watermark() is None
    successor.save([], [], Watermark(5, 5, "id", 1, 2))


class Stuck(io.BytesIO):
    """What a frozen process has to send: nothing comes, and nobody hangs up."""

    def read(self, size: int | None = -1) -> bytes:
        STUCK.set()
        THAWED.wait(30)
        return super().read(size)


STUCK, THAWED = threading.Event(), threading.Event()


def test_an_owner_frozen_in_the_middle_of_a_save_does_not_keep_its_successor_waiting(parts, monkeypatch):
    _, _, engine = parts
    former, successor = (Snapshots(engine, machine="file", partition=0) for _ in range(2))
    former.save([("roman/a", 1, b"{}")], [], Watermark(1, 1, "id", 1, 1))
    row = OutcomeRow(
        "6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a11", 1, 2, "d", "file.noted", None, None, None, "2026-11-21"
    )

    def freeze() -> str:
        with monkeypatch.context() as patched:
            patched.setattr("service.snapshots.io.BytesIO", Stuck)
            try:
                former.save([("roman/a", 2, b"[1]")], [row], Watermark(2, 2, "id", 1, 1))
            except StoreUnavailableError as error:
                return str(error)
        return "saved"

    with ThreadPoolExecutor(1) as pool:
        frozen = pool.submit(freeze)
        try:
            assert STUCK.wait(10)
            successor.watermark()
            assert successor.cut_off_predecessors() == 1
            successor.save([("roman/a", 2, b"[2]")], [], Watermark(2, 2, "id", 1, 2))
        finally:
            THAWED.set()
        assert "went away" in frozen.result(20)
    assert successor.load(["roman/a"]) == {"roman/a": b"[2]"}
    assert successor.cut_off_predecessors() == 0


def test_an_owner_notices_that_postgresql_was_put_back_to_an_earlier_state(parts):
    _, _, engine = parts
    store = Snapshots(engine, machine="file", partition=0)
    store.watermark()
    for offset in (5, 9):
        store.save([("roman/a", offset, b"{}")], [], Watermark(offset, offset, "topic", 1, 1))
    with engine.begin() as connection:
        connection.execute(text("UPDATE decider.watermark SET next_offset = 5, next_request = 5"))

    with pytest.raises(StoreFencedError, match="earlier state"):
        store.digests(["6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a11"])
    with pytest.raises(StoreFencedError, match="earlier state"):  # where both are looked up at once
        store.load(["roman/a"], ["6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a11"])
    store.watermark()
    assert store.digests(["6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a11"]) == {}


def test_what_is_looked_up_at_once_is_what_is_asked_one_by_one(parts):
    _, _, engine = parts
    store = Snapshots(engine, machine="file", partition=0)
    known, unknown = "6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a11", "6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a12"
    row = OutcomeRow(known, 3, 1, "digest", "file.arrived", "QUEUED", 1, None, "2026-11-01T00:00:00Z")
    store.save([("roman/a", 1, b"{}")], [row], Watermark(4, 4, "topic", 1, 1))
    assert store.load(["roman/a", "roman/b"], [known, unknown]) == {"roman/a": b"{}"}
    assert store.digests([known, unknown]) == {known: "digest"} == store.digests([unknown, known])
    assert store.load(["roman/b"], [known]) == {}
    assert store.digests([unknown]) == {}
    assert store.lost(["roman/b"]) == []
