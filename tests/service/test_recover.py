"""The way out of every halt: what it says, what it changes, and that the part goes on afterwards."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from events.envelope import encode_request
from events.log import Log, Place, TopicSpec
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import MACHINES, Topics
from projectors.database import make_engine
from projectors.follower import Follower
from projectors.halt import HaltError
from projectors.halt_codes import HALTS
from projectors.outcome import Outcomes
from projectors.positions import position
from projectors.projector import Projector
from service.client import new_id
from service.decider.halts import Halt
from service.decider.process import Decider
from service.halting import ALL, EVERY, halting_follower, while_not_halted
from service.recover import NotYetError, Remedies, Remedy
from service.remedies import ACTS
from service.snapshots import record_halt
from tests.service.cli.a_site import arrival

ROOT = Path(__file__).resolve().parents[2]
TOPICS = Topics("test")
PARTITIONS = {"file": 1, "group": 1, "identity": 1, "op": 1, "stream": 1}
REQUESTS = Place(TOPICS.requests("file"), 0)
LEDGER = Place(TOPICS.events("file"), 0)


@pytest.fixture
def engine(postgres) -> Iterator[Engine]:
    made = make_engine(postgres, "test", pool_size=8)
    yield made
    made.dispose()


def a_log(*, is_another: bool = False) -> MemoryLog:
    """A log with the site's topics; those of another log have other ids."""
    logs = MemoryLog()
    if is_another:
        logs.ensure([TopicSpec(f"elsewhere-{number}", 1) for number in range(100)])
    logs.ensure(topic_specs(TOPICS, PARTITIONS, ()))
    return logs


@contextmanager
def running(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Some part as a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def deciding(logs: Log, engine: Engine):
    """A decider that waits its halts out, as in the role."""

    def work(stop: threading.Event) -> None:
        def decide() -> None:
            Decider(logs=logs, engine=engine, topics=TOPICS, partitions=PARTITIONS).run(stop)

        while_not_halted(engine, "decider", decide, stop)

    return running(work)


def projecting(logs: Log, engine: Engine):
    """A projector that waits its halts out."""

    def work(stop: threading.Event) -> None:
        def project() -> None:
            follower = Follower(
                log=logs, topics=TOPICS, engine=engine, name="projector", machines=MACHINES, apply=Projector(),
                positions_table=position,
            )  # fmt: skip
            try:
                follower.run(stop)
            finally:
                follower.close()

        halting_follower(engine, "projector", project, stop)()

    return running(work)


def ask(logs: Log, name: str, request_id: str | None = None) -> str:
    """Announce a file; the request's id."""
    request_id = request_id or new_id()
    value = encode_request(
        id=request_id, type="file.arrive", subject=f"keck/{name}", actor="ada", source="test",
        at=datetime(2026, 11, 21, tzinfo=UTC), data=arrival(name).wire(),
    )  # fmt: skip
    writer = logs.writer()
    writer.send(REQUESTS.topic, key=f"keck/{name}".encode(), value=value, partition=0)
    writer.close()
    return request_id


def decided(engine: Engine, name: str, request_id: str) -> bool:
    """Whether the request has an outcome within some seconds."""
    outcomes = Outcomes(engine, site="test")
    return request_id in outcomes.wait([(f"keck/{name}", request_id)], timeout_s=15)


def remedies(logs: Log, engine: Engine) -> Remedies:
    return Remedies(logs=logs, engine=engine, topics=TOPICS)


def awaited(logs: Log, engine: Engine, code: str) -> Remedy:
    """The remedy for a halt with this code, once it stands."""
    deadline = time.monotonic() + 20
    found: list[Remedy] = []
    while time.monotonic() < deadline:
        found = remedies(logs, engine).explain()
        if any(each.halt.code == code for each in found):
            return next(each for each in found if each.halt.code == code)
        time.sleep(0.1)
    raise AssertionError(f"no halt {code}; found {[each.halt.code for each in found]}")


def lead_on(logs: Log, engine: Engine, code: str) -> str:
    """Wait for the halt and apply its remedy."""
    return remedies(logs, engine).apply(
        awaited(logs, engine, code), actor="ada", reason="the disk was swapped"
    )


def test_a_ledger_made_anew_is_adopted_and_read_again(engine):
    before, after = a_log(), a_log(is_another=True)
    with deciding(before, engine):
        assert decided(engine, "a", ask(before, "a"))
    with deciding(after, engine):
        done = lead_on(after, engine, "TOPIC_ID_CHANGED")
        assert decided(engine, "b", ask(after, "b"))
    assert "forgot 1 snapshots" in done
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT actor, reason, code FROM decider.recovery")).all()
    assert rows == [("ada", "the disk was swapped", "TOPIC_ID_CHANGED")]


def test_requests_beyond_the_end_of_their_topic_are_seated_at_its_end(engine):
    logs = a_log()
    with deciding(logs, engine):
        assert decided(engine, "a", ask(logs, "a"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE decider.watermark SET next_request = 99 WHERE machine = 'file'"))
    with deciding(logs, engine):
        done = lead_on(logs, engine, "BEYOND_END")
        assert done == "test.file.requests/0 goes on at its end, 1"
        assert decided(engine, "b", ask(logs, "b"))
    assert remedies(logs, engine).explain() == []


def test_snapshots_ahead_of_the_ledger_are_forgotten_and_what_was_lost_may_be_asked_again(engine):
    logs = a_log()
    with deciding(logs, engine):
        first = ask(logs, "a")
        assert decided(engine, "a", first)
    with engine.begin() as connection:
        connection.execute(text("UPDATE decider.watermark SET next_offset = 99 WHERE machine = 'file'"))
        connection.execute(text("UPDATE decider.outcome SET ledger_offset = 98"))
    with deciding(logs, engine):
        done = lead_on(logs, engine, "SNAPSHOT_AHEAD")
        assert "forgot 1 snapshots and 1 outcomes that the ledger does not have" in done
        assert decided(engine, "a", first)  # it stands in the ledger after all, and is found there
        assert decided(engine, "b", ask(logs, "b"))


def test_a_request_that_can_not_be_committed_becomes_a_dead_letter_and_the_next_is_decided(engine):
    logs = a_log()
    with deciding(logs, engine):
        assert decided(engine, "a", ask(logs, "a"))
    stuck = ask(logs, "stuck")
    next_one = ask(logs, "next")
    halt = Halt("STUCK_AT_REQUEST", "could not be committed", offset=1, topic=REQUESTS.topic)
    record_halt(engine, part="decider", machine="file", partition=0, halt=halt)
    done = lead_on(logs, engine, "STUCK_AT_REQUEST")
    assert done == "the request at test.file.requests/0/1 is a dead letter now; 2 is next"
    with deciding(logs, engine):
        assert decided(engine, "next", next_one)
    assert Outcomes(engine, site="test").find([("keck/stuck", stuck)]) == {}
    reader = logs.reader()
    reader.assign({Place(TOPICS.deadletter, 0): 0})
    [message] = reader.poll(at_most=10, timeout_s=1)[Place(TOPICS.deadletter, 0)]
    assert dict(message.headers)["code"] == b"STUCK_AT_REQUEST"
    assert dict(message.headers)["origin-offset"] == b"1"


def test_views_of_another_ledger_are_emptied_and_filled_again(engine):
    before, after = a_log(), a_log(is_another=True)
    with deciding(before, engine), projecting(before, engine):
        assert decided(engine, "a", ask(before, "a"))
        assert files(engine, {"keck/a"})
    with engine.begin() as connection:  # the decider's side of it is another story
        for table in ("topic", "watermark", "snapshot", "outcome"):
            connection.execute(text(f"DELETE FROM decider.{table}"))
    with deciding(after, engine), projecting(after, engine):
        assert decided(engine, "b", ask(after, "b"))
        remedy = awaited(after, engine, "POSITION_OF_ANOTHER_TOPIC")
        assert "views are emptied and filled again" in remedy.will
        done = remedies(after, engine).apply(remedy, actor="ada", reason="restored")
        assert "the projector fills them again" in done
        assert files(engine, {"keck/b"})


def files(engine: Engine, wanted: set[str]) -> bool:
    """Whether the view has exactly these files within some seconds."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            if set(connection.execute(text("SELECT file FROM v1.file")).scalars()) == wanted:
                return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("code", ["LEDGER_FROM_FUTURE", "CODE_IS_WRONG"])
def test_what_only_other_code_can_mend_is_tried_again_and_says_so(engine, code):
    logs = MemoryLog()
    record_halt(engine, part="decider", machine="file", partition=0, halt=Halt(code, "found x"))
    remedy = awaited(logs, engine, code)
    assert remedy.will == "try again"
    assert remedy.advice
    assert "tried again" in remedies(logs, engine).apply(remedy, actor="ada", reason="deployed")
    assert remedies(logs, engine).explain() == []


def test_a_halt_of_another_version_can_be_tried_again(engine):
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO decider.halt VALUES ('decider', 'file', 0, 'NEVER_HEARD_OF', 'x', '{}', now())")
        )
    [remedy] = remedies(MemoryLog(), engine).explain()
    assert "another version wrote it down" in remedy.happened
    remedies(MemoryLog(), engine).apply(remedy, actor="ada", reason="x")
    assert remedies(MemoryLog(), engine).explain() == []


@pytest.mark.parametrize("raised", [Halt, HaltError])
def test_a_code_that_nobody_could_explain_can_not_be_raised(raised):
    with pytest.raises(ValueError, match="found the halt NEVER_HEARD_OF, wanted one of"):
        raise raised("NEVER_HEARD_OF", "x")


def test_every_code_is_explained_and_led_on_from():
    assert ACTS.keys() == HALTS.keys()
    assert all(kind.happened and kind.will for kind in HALTS.values())


def test_every_code_in_the_code_is_one_of_the_register_and_every_one_of_it_is_used():
    written = {
        code
        for package in ("service", "projectors")
        for path in (ROOT / package).rglob("*.py")
        for code in re.findall(r'"([A-Z]+_[A-Z_]+)"', path.read_text("utf-8"))
        if path.name not in {"halt_codes.py", "remedies.py"}
    }
    assert HALTS.keys() <= written


def test_what_a_person_has_to_do_first_is_named_and_the_halt_stands(engine):
    logs = a_log()
    halt = Halt("LEDGER_GONE", "x is gone", topics=["test.nothing.events"])
    record_halt(engine, part="decider", machine=ALL, partition=EVERY, halt=halt)
    [remedy] = remedies(logs, engine).explain()
    with pytest.raises(NotYetError, match=r"found no topic test\.nothing\.events, wanted it restored first"):
        remedies(logs, engine).apply(remedy, actor="ada", reason="x")
    assert remedies(logs, engine).explain() == [remedy]
    remedies(logs, engine).apply(remedy, actor="ada", reason="x", only_retry=True)
    assert remedies(logs, engine).explain() == []


def test_requests_seated_anew_are_not_skipped_when_the_snapshots_are_lost_later(engine):
    """The ledger still names request offsets that the topic does not have any more."""
    logs = a_log()
    with deciding(logs, engine):
        for name in ("a", "b", "c"):
            assert decided(engine, name, ask(logs, name))
    entries = logs._store.entries(REQUESTS)
    del entries[1:]  # the topic lost its end: the same id, and two of three requests are gone
    with deciding(logs, engine):
        assert lead_on(logs, engine, "BEYOND_END") == "test.file.requests/0 goes on at its end, 1"
        assert decided(engine, "d", ask(logs, "d"))
    first, second = ask(logs, "e"), ask(logs, "f")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM decider.watermark"))
        connection.execute(text("DELETE FROM decider.snapshot"))
    logs._store.offsets.clear()  # and Kafka has lost what was committed
    with deciding(logs, engine):
        assert decided(engine, "e", first)
        assert decided(engine, "f", second)
