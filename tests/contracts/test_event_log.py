"""What every log promises: one suite for the log in memory and the log on Kafka."""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from events.ids import partition_of
from events.kafka_admin import KafkaConnection
from events.kafka_log import KafkaLog
from events.log import (
    FencedError,
    Log,
    LogError,
    Message,
    Place,
    Reader,
    TopicSpec,
    TransactionalWriter,
    TransactionInDoubtError,
    Writer,
)
from events.memory_log import MemoryLog

LONG_S = 20.0
LARGE = 768 * 1024


@dataclass
class Bench:
    """A log with one topic of two partitions, and everything that was opened on it."""

    log: Log
    delete: Callable[[str], None]
    quiet_s: float
    """How long to look before saying that nothing comes."""
    topic: str = field(default_factory=lambda: f"contract-{uuid.uuid4().hex[:12]}")
    opened: list[Any] = field(default_factory=list)

    def __post_init__(self):
        self.log.ensure([TopicSpec(self.topic, 2, {"max.message.bytes": str(2 * 1024 * 1024)})])

    @property
    def first(self) -> Place:
        return Place(self.topic, 0)

    @property
    def second(self) -> Place:
        return Place(self.topic, 1)

    def reader(self, *places: Place, committed: bool = True, at: int = 0) -> Reader:
        reader = self.log.reader(committed=committed)
        self.opened.append(reader)
        reader.assign(dict.fromkeys(places or [self.first], at))
        return reader

    def writer(self) -> Writer:
        self.opened.append(self.log.writer())
        return self.opened[-1]

    def owner(self, name: str = "owner") -> TransactionalWriter:
        self.opened.append(self.log.transactional(f"{self.topic}-{name}"))
        return self.opened[-1]

    def write(self, *values: bytes, partition: int = 0) -> None:
        writer = self.writer()
        for value in values:
            writer.send(self.topic, key=b"k", value=value, partition=partition)
        writer.flush(LONG_S)

    def nothing_comes(self, reader: Reader) -> bool:
        return not read(reader, 1, within_s=self.quiet_s)

    def transact(self, owner: TransactionalWriter, *values: bytes, partition: int = 0) -> None:
        """Begin, and send these; neither committed nor aborted yet."""
        owner.begin()
        for sent in [owner.send(self.topic, key=b"k", value=each, partition=partition) for each in values]:
            sent.result(LONG_S)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.servers)])
def bench(request) -> Iterator[Bench]:
    if request.param == "memory":
        memory = MemoryLog()
        yield from cleared(Bench(memory, memory.remove, 0.05))
    else:
        yield from bench_on_kafka(request.getfixturevalue("kafka"))


def bench_on_kafka(bootstrap: str, **options: Any) -> Iterator[Bench]:
    """On a log made with these options, cleared away afterwards."""
    log = KafkaLog(bootstrap, **options)
    yield from cleared(Bench(log, lambda name: delete_on_kafka(bootstrap, name), 0.5))


def cleared(bench: Bench) -> Iterator[Bench]:
    yield bench
    for each in bench.opened:
        each.close()
    bench.delete(bench.topic)
    bench.log.close()


def delete_on_kafka(bootstrap: str, name: str) -> None:
    admin = KafkaConnection(bootstrap).admin()
    admin.delete_topics([name], raise_errors=False)
    while name in admin.list_topics():
        time.sleep(0.02)
    admin.close()


def read(reader: Reader, wanted: int, *, within_s: float = LONG_S) -> list[Message]:
    """As many records as wanted, whatever the partition."""
    found: list[Message] = []
    deadline = time.monotonic() + within_s
    while len(found) < wanted and time.monotonic() < deadline:
        for messages in reader.poll(at_most=wanted - len(found), timeout_s=min(0.2, within_s)).values():
            found.extend(messages)
    return found


def values(messages: list[Message]) -> list[bytes | None]:
    return [each.value for each in messages]


def follow_to_the_end(reader: Reader, place: Place) -> int:
    """Poll until the position equals the uncommitted end; how many records came."""
    came = 0
    deadline = time.monotonic() + LONG_S
    while reader.position(place) != reader.end(place):
        assert time.monotonic() < deadline, f"at {reader.position(place)} of {reader.end(place)}"
        came += sum(map(len, reader.poll(at_most=1000, timeout_s=0.1).values()))
    return came


def settled(look: Callable[[], Any], wanted: Any) -> Any:
    """What is seen, once it is what is wanted or time is up: markers reach other partitions a little later."""
    deadline = time.monotonic() + LONG_S
    while look() != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    return look()


# Records


def test_records_of_a_partition_come_in_the_order_they_were_sent(bench):
    bench.write(*(b"%d" % n for n in range(500)))

    found = read(bench.reader(), 500)

    assert values(found) == [b"%d" % n for n in range(500)]
    assert [each.offset for each in found] == list(range(500))


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        (b"stream/file", b'{"a":1}', ()),
        (b"k", None, ()),
        (None, b"v", ()),
        (b"", b"", ()),
        (b"\xff\x00", bytes(range(256)), ()),
        (b"k", b"v", (("origin", b"\xff\x00"), ("empty", b""), ("größe", b"1"), ("origin", b"again"))),
        (b"k", b"x" * LARGE, ()),
    ],
    ids=["plain", "no value", "no key", "empty", "binary", "headers", "large"],
)
def test_a_record_comes_back_as_it_was_sent(bench, key, value, headers):
    sent = bench.writer().send(bench.topic, key=key, value=value, partition=1, headers=headers)
    assert sent.result(LONG_S) == (1, 0)

    (found,) = read(bench.reader(bench.second), 1)

    assert (found.topic, found.partition, found.offset) == (bench.topic, 1, 0)
    assert (found.key, found.value, found.headers) == (key, value, headers)


def test_a_key_decides_the_partition_as_partition_of_says(bench):
    writer = bench.writer()
    subjects = [f"roman-wfi/r{n:019d}_é" for n in range(40)]
    places = [writer.send(bench.topic, key=each.encode(), value=b"v").result(LONG_S)[0] for each in subjects]

    assert places == [partition_of(each, 2) for each in subjects]
    assert set(places) == {0, 1}


def test_records_without_a_key_are_spread(bench):
    writer = bench.writer()
    assert {writer.send(bench.topic, key=None, value=b"v").result(LONG_S)[0] for _ in range(8)} == {0, 1}


def test_many_records_go_to_the_partitions_of_their_keys_in_order_with_their_offsets(bench):
    writer, reader = bench.writer(), bench.reader(bench.first, bench.second)
    records = [(f"roman-wfi/{number % 90}_é".encode(), b"%d" % number) for number in range(3000)]
    bench.write(b"before")
    sent = writer.send_all(bench.topic, records)
    after = writer.send(bench.topic, key=records[0][0], value=b"after")

    offsets = sent.offsets(LONG_S)
    found = [each for each in read(reader, 3002) if each.value != b"before"]
    assert sorted((each.key, each.value) for each in found if each.value != b"after") == sorted(records)
    at = {
        (partition_of(key.decode(), 2), offset): value
        for (key, value), offset in zip(records, offsets, strict=True)
    }
    at[after.result(LONG_S)] = b"after"
    assert {(each.partition, each.offset): each.value for each in found} == at
    for key in {key for key, _ in records}:
        wanted = [value for name, value in records if name == key] + [b"after"] * (key == records[0][0])
        assert [each.value for each in found if each.key == key] == wanted
    assert writer.send_all(bench.topic, []).offsets(LONG_S) == []


def test_many_records_handed_to_a_writer_may_be_large(bench):
    writer, reader = bench.writer(), bench.reader(bench.second)
    assert partition_of("k1", 2) == 1
    records = [(b"k1", b"%d" % number * (500_000 - number)) for number in range(5)]
    assert writer.send_all(bench.topic, records).offsets(LONG_S) == list(range(5))
    assert [(each.key, each.value) for each in read(reader, 5)] == records


# Reading


def test_a_reader_starts_where_it_is_told_and_moves_when_it_is_told_again(bench):
    bench.write(b"0", b"1", b"2", b"3")
    reader = bench.reader(at=2)

    assert reader.position(bench.first) == 2
    assert values(read(reader, 2)) == [b"2", b"3"]
    assert reader.position(bench.first) == 4
    reader.assign({bench.first: 1})
    assert reader.position(bench.first) == 1
    assert values(read(reader, 3)) == [b"1", b"2", b"3"]


def test_a_poll_returns_at_most_what_was_asked_and_the_next_goes_on_there(bench):
    bench.write(*(b"%d" % n for n in range(10)))
    reader = bench.reader()

    found: list[Message] = []
    while len(found) < 10:
        came = reader.poll(at_most=3, timeout_s=LONG_S)[bench.first]
        assert 1 <= len(came) <= 3
        found += came
        assert reader.position(bench.first) == len(found)

    assert values(found) == [b"%d" % n for n in range(10)]


def test_a_poll_counts_over_all_partitions(bench):
    bench.write(*(b"a" for _ in range(5)))
    bench.write(*(b"b" for _ in range(5)), partition=1)
    reader = bench.reader(bench.first, bench.second)

    came: list[int] = []
    while sum(came) < 10:
        came.append(sum(map(len, reader.poll(at_most=4, timeout_s=LONG_S).values())))

    assert max(came) <= 4
    assert reader.position(bench.first) == reader.position(bench.second) == 5


def test_only_assigned_partitions_are_read(bench):
    bench.write(b"other", partition=1)
    reader = bench.reader(bench.first)

    assert bench.nothing_comes(reader)
    reader.assign({bench.second: 0})
    assert values(read(reader, 1)) == [b"other"]


def test_a_paused_partition_rests_and_keeps_its_place(bench):
    bench.write(b"a0", b"a1")
    bench.write(b"b0", partition=1)
    reader = bench.reader(bench.first, bench.second)
    while not reader.poll(at_most=1, timeout_s=0.5):
        pass
    at = reader.position(bench.first)

    reader.pause([bench.first])
    rest = read(reader, 3, within_s=2 * bench.quiet_s)
    assert {each.partition for each in rest} <= {1}
    assert reader.position(bench.first) == at

    reader.resume([bench.first])
    assert values(read(reader, 2 - at)) == [b"a0", b"a1"][at:]


def test_an_assignment_ends_every_pause(bench):
    bench.write(b"a")
    reader = bench.reader()
    reader.pause([bench.first])
    reader.assign({bench.first: 0})

    assert values(read(reader, 1)) == [b"a"]


def test_an_idle_poll_waits_as_long_as_it_is_told(bench):
    reader = bench.reader()
    reader.poll(at_most=1, timeout_s=0.3)

    assert 0.35 <= shortest(lambda: reader.poll(at_most=1, timeout_s=0.4)) < 1.0
    assert shortest(lambda: reader.poll(at_most=1, timeout_s=0)) < 0.3


def shortest(idle_poll: Callable[[], dict]) -> float:
    """The seconds of the shortest of three: what else the machine does makes one longer, never shorter."""
    waits = []
    for _ in range(3):
        started = time.monotonic()
        assert idle_poll() == {}
        waits.append(time.monotonic() - started)
    return min(waits)


def test_an_idle_poll_returns_as_soon_as_a_record_is_there(bench):
    reader = bench.reader(bench.first, bench.second)
    writer = bench.writer()
    waits = []
    for n in range(9):
        timer = threading.Timer(0.05, lambda: writer.send(bench.topic, key=b"k", value=b"v", partition=0))
        started = time.monotonic()
        timer.start()
        assert len(read(reader, 1)) == 1, n
        waits.append(time.monotonic() - started - 0.05)

    assert sorted(waits)[4] < 0.1, (
        waits
    )  # far below any fixed interval of polling; a few milliseconds as a rule


def test_a_position_that_is_not_on_the_log_is_an_error_that_names_it(bench):
    bench.write(b"a")
    reader = bench.reader(at=7)

    with pytest.raises(LogError, match=rf"{bench.topic}/0 at 7 of 0…1"):
        read(reader, 1, within_s=3)


def test_ends_of_a_missing_topic_are_an_error_that_names_it(bench):
    with pytest.raises(LogError, match="no-such-topic"):
        bench.reader().end(Place("no-such-topic", 0))


# Transactions


def test_committed_readers_see_a_transaction_whole_and_only_once_it_is_committed(bench):
    owner, reader = bench.owner(), bench.reader()
    bench.transact(owner, b"a", b"b")

    assert bench.nothing_comes(reader)
    owner.commit({}, group="g")
    assert values(read(reader, 2)) == [b"a", b"b"]


def test_uncommitted_readers_see_what_is_open(bench):
    bench.transact(bench.owner(), b"a")

    assert values(read(bench.reader(committed=False), 1)) == [b"a"]


def test_aborted_records_are_never_seen_by_committed_readers(bench):
    owner, reader = bench.owner(), bench.reader()
    bench.transact(owner, b"wrong")
    owner.abort()
    bench.transact(owner, b"right")
    owner.commit({}, group="g")

    assert values(read(reader, 1)) == [b"right"]
    assert follow_to_the_end(reader, bench.first) == 0
    assert values(read(bench.reader(committed=False), 2)) == [b"wrong", b"right"]


def test_what_was_aborted_before_it_was_sent_does_not_harm_the_next_transaction(bench):
    owner = bench.owner()
    owner.begin()
    for _ in range(50):
        owner.send(bench.topic, key=b"k", value=b"wrong", partition=0)
    owner.abort()
    bench.transact(owner, b"right")
    owner.commit({}, group="g")

    assert values(read(bench.reader(), 1)) == [b"right"]


def test_what_comes_after_an_open_transaction_waits_for_it(bench):
    owner, reader = bench.owner(), bench.reader()
    bench.write(b"before")
    bench.transact(owner, b"open")
    bench.write(b"after")

    assert values(read(reader, 2, within_s=2 * bench.quiet_s)) == [b"before"]
    assert reader.position(bench.first) == 1
    owner.commit({}, group="g")
    assert values(read(reader, 2)) == [b"open", b"after"]


def test_transactions_of_two_owners_do_not_mix(bench):
    one, two, reader = bench.owner("one"), bench.owner("two"), bench.reader()
    bench.transact(one, b"1a")
    bench.transact(two, b"2a")
    two.commit({}, group="g")
    assert bench.nothing_comes(reader)  # behind the first, which is still open
    one.abort()

    assert values(read(reader, 1)) == [b"2a"]
    assert follow_to_the_end(reader, bench.first) == 0


def test_markers_take_an_offset_and_the_position_passes_them_to_the_end(bench):
    owner, reader = bench.owner(), bench.reader()
    for value in (b"a", b"b", b"c"):
        bench.transact(owner, value)
        owner.commit({}, group="g")

    assert settled(lambda: reader.end(bench.first), 6) == 6
    found = read(reader, 3)
    assert [each.offset for each in found] == [0, 2, 4]
    assert follow_to_the_end(reader, bench.first) == 0
    assert reader.position(bench.first) == 6


def test_the_end_counts_what_is_open(bench):
    reader = bench.reader()
    assert (reader.beginning(bench.first), reader.end(bench.first)) == (0, 0)
    bench.transact(bench.owner(), b"a", b"b")

    assert reader.end(bench.first) == 2
    assert bench.nothing_comes(reader)
    assert reader.position(bench.first) == 0


def test_a_transaction_without_records_commits_its_offsets(bench):
    owner = bench.owner()
    owner.begin()
    owner.commit({bench.second: 9}, group=bench.topic)

    assert settled(lambda: bench.log.committed(bench.topic, [bench.second]), {bench.second: 9}) == {
        bench.second: 9
    }


def test_what_was_foretold_stands_with_the_commit_and_not_before(bench):
    owner, reader = bench.owner(), bench.reader()
    for before, after in ((None, 7), (7, 8)):
        offsets: dict[Place, int | None] = {bench.second: after}
        owner.begin()
        owner.foretell(bench.first, offsets, group=bench.topic)
        owner.send_all(bench.topic, [(b"k", b"%d" % after)], partition=0)
        assert bench.nothing_comes(reader)
        assert bench.log.committed(bench.topic, offsets) == {bench.second: before}
        owner.commit(offsets, group=bench.topic)
        assert settled(lambda: bench.log.committed(bench.topic, [bench.second]), offsets) == offsets
        assert values(read(reader, 1)) == [b"%d" % after]


def test_what_was_foretold_and_never_committed_leaves_nothing(bench):
    former, offsets = bench.owner(), {bench.second: 7}
    former.begin()
    former.foretell(bench.first, offsets, group=bench.topic)
    former.close()
    owner = bench.owner()
    bench.transact(owner, b"after")
    owner.commit({}, group=bench.topic)

    assert bench.log.committed(bench.topic, offsets) == {bench.second: None}
    reader = bench.reader()
    assert values(read(reader, 1)) == [b"after"]
    assert follow_to_the_end(reader, bench.first) == 0


def test_a_transaction_that_was_foretold_may_turn_out_to_have_no_records(bench):
    owner, offsets = bench.owner(), {bench.second: 7}
    owner.begin()
    owner.foretell(bench.first, offsets, group=bench.topic)
    owner.commit(offsets, group=bench.topic)

    assert settled(lambda: bench.log.committed(bench.topic, offsets), offsets) == offsets
    assert follow_to_the_end(bench.reader(), bench.first) == 0


def test_another_commit_than_was_foretold_leaves_the_transaction_in_doubt(bench):
    owner, offsets = bench.owner(), {bench.second: 7}
    owner.begin()
    owner.foretell(bench.first, offsets, group=bench.topic)
    with pytest.raises(TransactionInDoubtError, match="foretold"):
        owner.commit({bench.second: 8}, group=bench.topic)
    bench.transact(bench.owner(), b"after")

    assert bench.log.committed(bench.topic, offsets) == {bench.second: None}


def test_a_transaction_of_nothing_commits(bench):
    owner = bench.owner()
    for _ in range(2):
        owner.begin()
        owner.commit({}, group="g")
    bench.transact(owner, b"a")
    owner.commit({}, group="g")

    assert values(read(bench.reader(), 1)) == [b"a"]


def test_offsets_stand_exactly_when_the_records_do(bench):
    owner, group = bench.owner(), bench.topic
    asked = [bench.first, bench.second]
    assert bench.log.committed(group, asked) == {bench.first: None, bench.second: None}
    bench.transact(owner, b"a")
    owner.commit({bench.first: 5, bench.second: 1}, group=group)
    assert settled(lambda: bench.log.committed(group, asked)[bench.first], 5) == 5
    bench.transact(owner, b"b")
    owner.abort()
    bench.transact(owner, b"c")
    owner.commit({bench.first: 6}, group=group)

    after = {bench.first: 6, bench.second: 1}
    assert settled(lambda: bench.log.committed(group, asked), after) == after
    assert bench.log.committed(f"{group}-other", [bench.first]) == {bench.first: None}
    assert bench.log.committed(group, []) == {}


# Owners


def test_a_successor_closes_what_its_predecessor_left_open(bench):
    reader = bench.reader()
    bench.transact(bench.owner(), b"left open")
    bench.write(b"behind")

    started = time.monotonic()
    bench.owner()

    assert values(read(reader, 1)) == [b"behind"]
    assert time.monotonic() - started < 5  # not the transaction's timeout
    assert follow_to_the_end(reader, bench.first) == 0


def test_a_predecessor_is_fenced_and_leaves_no_trace(bench):
    predecessor, reader = bench.owner(), bench.reader()
    bench.transact(predecessor, b"old")
    successor = bench.owner()

    def write_on() -> None:
        predecessor.send(bench.topic, key=b"k", value=b"zombie", partition=0)
        predecessor.commit({bench.first: 99}, group=bench.topic)

    with pytest.raises(FencedError, match="owner"):
        write_on()
    bench.transact(successor, b"new")
    successor.commit({bench.first: 1}, group=bench.topic)

    assert values(read(reader, 1)) == [b"new"]
    assert follow_to_the_end(reader, bench.first) == 0
    assert settled(lambda: bench.log.committed(bench.topic, [bench.first])[bench.first], 1) == 1


def test_an_idle_predecessor_is_fenced_at_its_next_transaction(bench):
    predecessor = bench.owner()
    bench.transact(predecessor, b"a")
    predecessor.commit({}, group="g")
    bench.owner()

    def write_on() -> None:
        bench.transact(predecessor, b"b")
        predecessor.commit({}, group="g")

    with pytest.raises(FencedError):
        write_on()
    with pytest.raises(FencedError):
        predecessor.begin()


def test_owners_of_other_ids_are_not_disturbed(bench):
    one = bench.owner("one")
    bench.transact(one, b"a")
    bench.owner("two")
    one.commit({}, group="g")

    assert values(read(bench.reader(), 1)) == [b"a"]


def test_after_a_failure_the_writer_is_spent_and_its_successor_finds_the_truth(bench):
    owner, reader = bench.owner(), bench.reader()
    bench.transact(owner, b"a")
    with pytest.raises(TransactionInDoubtError):
        owner.send(bench.topic, key=b"k", value=b"b", partition=77)
    for attempt in (owner.begin, lambda: owner.commit({}, group="g")):
        with pytest.raises(TransactionInDoubtError):
            attempt()
    owner.abort()

    successor = bench.owner()
    bench.transact(successor, b"c")
    successor.commit({}, group="g")
    assert values(read(reader, 1)) == [b"c"]


def test_many_records_are_handed_over_at_once_in_order_with_their_offsets(bench):
    owner, reader = bench.owner(), bench.reader()
    bench.write(b"before")
    records = [(f"k{number}".encode(), f"{number}".encode() * (number % 7)) for number in range(5000)]
    owner.begin()
    sent = owner.send_all(bench.topic, records, partition=0)
    owner.commit({}, group="g")

    found = read(reader, 5001)[1:]
    assert [(each.key, each.value) for each in found] == records
    assert sent.offsets(LONG_S) == [each.offset for each in found] == list(range(1, 5001))


def test_many_records_may_be_large(bench):
    owner, reader = bench.owner(), bench.reader()
    records = [
        (b"k", bytes([number]) * size) for number, size in enumerate([786_432, 786_432, 300_000, 9, 700_000])
    ]
    owner.begin()
    sent = owner.send_all(bench.topic, records, partition=0)
    single = owner.send(bench.topic, key=b"k", value=b"after", partition=0)
    owner.commit({}, group="g")

    assert [(each.key, each.value) for each in read(reader, 6)] == [*records, (b"k", b"after")]
    assert [*sent.offsets(LONG_S), single.result(LONG_S)[1]] == list(range(6))


def hand_over_and_commit(owner: TransactionalWriter, topic: str, records: list[tuple[bytes, bytes]]) -> None:
    owner.begin()
    owner.send_all(topic, records, partition=0)
    owner.commit({}, group="g")


def test_many_records_go_with_their_transaction(bench):
    owner, reader = bench.owner(), bench.reader()
    owner.begin()
    owner.send_all(bench.topic, [(b"k", b"never"), (b"k", b"ever")], partition=0).offsets(LONG_S)
    owner.abort()
    assert bench.nothing_comes(reader)

    successor = bench.owner()
    with pytest.raises(LogError):
        hand_over_and_commit(owner, bench.topic, [(b"k", b"zombie")])
    successor.begin()
    successor.send_all(bench.topic, [(b"k", b"a"), (b"k", b"b")], partition=0)
    successor.commit({bench.second: 7}, group="g")
    assert values(read(reader, 2)) == [b"a", b"b"]
    assert bench.log.committed("g", [bench.second]) == {bench.second: 7}


def test_many_records_that_are_refused_leave_the_transaction_in_doubt(bench):
    owner, reader = bench.owner(), bench.reader()
    owner.begin()
    with pytest.raises(TransactionInDoubtError):
        owner.send_all(bench.topic, [(b"k", b"a")], partition=77)
    with pytest.raises(TransactionInDoubtError):
        owner.begin()
    bench.owner()
    assert bench.nothing_comes(reader)


def test_letting_go_of_an_open_transaction_does_not_wait_and_leaves_it_to_the_successor(bench):
    owner, reader = bench.owner(), bench.reader()
    owner.begin()
    owner.send(bench.topic, key=b"k", value=b"a", partition=0)

    started = time.monotonic()
    owner.close()
    assert time.monotonic() - started < 5  # not the transaction's timeout
    with pytest.raises(LogError):
        owner.commit({}, group="g")
    bench.write(b"b")
    bench.owner()
    assert values(read(reader, 1)) == [b"b"]


# Topics


def test_a_topic_is_made_once_and_then_left_as_it_is(bench):
    ids = bench.log.topic_ids([bench.topic])
    bench.write(b"a")

    bench.log.ensure([TopicSpec(bench.topic, 5), TopicSpec(bench.topic, 2)])

    assert bench.log.topic_ids([bench.topic]) == ids
    assert bench.log.partitions([bench.topic]) == {bench.topic: 2}
    assert values(read(bench.reader(), 1)) == [b"a"]


def test_topics_may_be_made_by_many_at_once(bench):
    name = f"{bench.topic}-race"
    failures = []

    def make():
        try:
            bench.log.ensure([TopicSpec(name, 3)])
            bench.log.writer().send(name, key=b"k", value=b"v").result(LONG_S)
        except Exception as error:  # noqa: BLE001  whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert failures == []
    assert bench.log.partitions([name]) == {name: 3}
    bench.delete(name)


def test_missing_topics_are_left_out(bench):
    assert bench.log.partitions([bench.topic, "no-such-topic"]) == {bench.topic: 2}
    assert list(bench.log.topic_ids(["no-such-topic", bench.topic])) == [bench.topic]
    assert bench.log.partitions([]) == {}
    assert bench.topic in bench.log.names()
    assert "no-such-topic" not in bench.log.names()
    assert not [name for name in bench.log.names() if name.startswith("__")]


def test_a_topic_made_again_has_another_id_and_begins_at_zero(bench):
    before = bench.log.topic_ids([bench.topic])
    bench.write(b"a", b"b")
    bench.delete(bench.topic)

    bench.log.ensure([TopicSpec(bench.topic, 2)])

    assert bench.log.topic_ids([bench.topic]) != before
    assert settled(lambda: bench.reader().end(bench.first), 0) == 0


@pytest.fixture
def on_kafka(kafka) -> Iterator[Bench]:
    yield from bench_on_kafka(kafka)


@pytest.mark.servers
def test_this_cluster_keeps_short_transactions_each_of_which_has_an_epoch_of_its_own(on_kafka):
    owner, group, epochs = on_kafka.owner(), f"{on_kafka.topic}-group", []
    for number in range(3):
        owner.begin()
        owner.foretell(on_kafka.first, {on_kafka.second: number + 1}, group=group)
        owner.send_all(on_kafka.topic, [(b"k", b"%d" % number)], partition=0)
        owner.commit({on_kafka.second: number + 1}, group=group)
        epochs.append(owner._producer._transaction_manager.producer_id_and_epoch.epoch)
    assert [later - earlier for earlier, later in itertools.pairwise(epochs)] == [1, 1]
    assert values(read(on_kafka.reader(), 3)) == [b"0", b"1", b"2"]
    committed = {on_kafka.second: 3}
    assert settled(lambda: on_kafka.log.committed(group, committed), committed) == committed


@pytest.mark.servers
def test_records_do_not_wait_for_the_answer_to_another_request_of_their_transaction(on_kafka):
    owner = on_kafka.owner()
    manager = owner._producer._transaction_manager
    owner.begin()
    manager.next_in_flight_request_correlation_id()  # as if one were under way, whose answer does not come
    assert owner.send_all(on_kafka.topic, [(b"k", b"beside")], partition=0).offsets(LONG_S) == [0]
    manager.clear_in_flight_transactional_request_correlation_id()
    owner.commit({}, group="none")
    assert values(read(on_kafka.reader(), 1)) == [b"beside"]
