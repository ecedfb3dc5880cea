"""The faults that can be ordered of the log in memory. What it shares with Kafka stands in tests/contracts."""

import pytest

from events.log import FencedError, Log, LogError, Place, TopicSpec, TransactionInDoubtError
from events.memory_log import CommitFault, MemoryLog

PLACE = Place("t", 0)


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog(now_ms=lambda: 42)
    log.ensure([TopicSpec("t", 1)])
    return log


def try_to_commit(log: MemoryLog, value: bytes) -> None:
    """One transaction that goes wrong in the way that was ordered."""
    owner = log.transactional("owner")
    owner.begin()
    owner.send("t", key=b"k", value=value, partition=0)
    with pytest.raises(TransactionInDoubtError, match="owner: the commit failed; it may stand"):
        owner.commit({PLACE: 7}, group="g")
    with pytest.raises(TransactionInDoubtError, match="make a new writer"):
        owner.begin()


def seen(log: MemoryLog, *, committed: bool = True) -> list[bytes | None]:
    reader = log.reader(committed=committed)
    reader.assign({PLACE: 0})
    return [each.value for each in reader.poll(at_most=100, timeout_s=0).get(PLACE, [])]


def offset(log: Log) -> int | None:
    return log.committed("g", [PLACE])[PLACE]


def test_a_commit_may_fail_because_it_did_not_happen(log):
    log.fail_next_commit(CommitFault.ABORTED)
    try_to_commit(log, b"a")

    assert (seen(log), offset(log)) == ([], None)
    log.transactional("owner")
    assert (seen(log), offset(log)) == ([], None)


def test_a_commit_may_fail_although_it_happened(log):
    log.fail_next_commit(CommitFault.COMMITTED)
    try_to_commit(log, b"a")

    assert (seen(log), offset(log)) == ([b"a"], 7)


def test_a_late_commit_happens_when_the_successor_takes_over(log):
    log.fail_next_commit(CommitFault.LATE)
    try_to_commit(log, b"a")
    log.writer().send("t", key=b"k", value=b"behind", partition=0)
    assert (seen(log), offset(log)) == ([], None)  # open, so everything waits behind it
    assert seen(log, committed=False) == [b"a", b"behind"]

    log.transactional("owner")

    assert (seen(log), offset(log)) == ([b"a", b"behind"], 7)


def test_a_late_commit_may_be_let_happen(log):
    log.fail_next_commit(CommitFault.LATE)
    try_to_commit(log, b"a")

    log.settle()

    assert (seen(log), offset(log)) == ([b"a"], 7)
    log.settle()
    assert seen(log) == [b"a"]


def test_faults_come_in_the_order_they_were_ordered_and_then_no_more(log):
    log.fail_next_commit(CommitFault.ABORTED)
    log.fail_next_commit(CommitFault.COMMITTED)
    try_to_commit(log, b"a")
    try_to_commit(log, b"b")
    owner = log.transactional("owner")
    owner.begin()
    owner.send("t", key=b"k", value=b"c", partition=0)
    owner.commit({}, group="g")

    assert seen(log) == [b"b", b"c"]


def test_a_fenced_owner_does_not_use_up_the_fault(log):
    predecessor = log.transactional("owner")
    predecessor.begin()
    log.transactional("owner")
    log.fail_next_commit(CommitFault.ABORTED)

    with pytest.raises(FencedError):
        predecessor.commit({}, group="g")
    try_to_commit(log, b"a")


def test_records_are_stamped_by_the_clock_that_was_handed_in(log):
    log.writer().send("t", key=None, value=b"a")
    reader = log.reader()
    reader.assign({PLACE: 0})

    assert reader.poll(at_most=1, timeout_s=0)[PLACE][0].timestamp_ms == 42


def test_a_topic_that_is_not_there_is_named():
    log = MemoryLog()
    reader = log.reader()
    reader.assign({PLACE: 0})

    assert reader.poll(at_most=1, timeout_s=0) == {}
    for attempt in (
        lambda: log.writer().send("t", key=b"k", value=b"v"),
        lambda: log.writer().send("t", key=b"k", value=b"v", partition=0),
        lambda: reader.beginning(PLACE),
    ):
        with pytest.raises(LogError, match=r"\bt\b.*found no such topic"):
            attempt()


def test_begin_and_commit_go_in_pairs(log):
    with pytest.raises(TransactionInDoubtError, match="no transaction is open"):
        log.transactional("owner").commit({}, group="g")
    owner = log.transactional("owner")
    owner.begin()
    with pytest.raises(TransactionInDoubtError, match="open already"):
        owner.begin()
