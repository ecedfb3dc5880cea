"""What every log promises of owners: a successor fences its predecessor, and finds the truth."""

import time

import pytest

from events.log import (
    FencedError,
    LogError,
    TransactionalWriter,
    TransactionInDoubtError,
)
from tests.contracts.log_bench import LONG_S, follow_to_the_end, read, settled, values


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
