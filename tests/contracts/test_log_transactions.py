"""What every log promises of transactions: seen whole or not at all, with their offsets."""

import pytest

from events.log import (
    Place,
    TransactionInDoubtError,
)
from tests.contracts.log_bench import follow_to_the_end, read, settled, values


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
