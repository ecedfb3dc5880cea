"""What every log promises of records, and of reading them."""

import threading
import time
from collections.abc import Callable

import pytest

from events.ids import partition_of
from events.log import (
    LogError,
    Message,
    Place,
)
from tests.contracts.log_bench import LARGE, LONG_S, read, values

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
