"""A cluster that does not keep short transactions yet: the writer tells of partitions and groups itself."""

from collections.abc import Iterator

import pytest

from tests.contracts import test_event_log as promises

PROMISES = [
    promises.test_committed_readers_see_a_transaction_whole_and_only_once_it_is_committed,
    promises.test_what_was_aborted_before_it_was_sent_does_not_harm_the_next_transaction,
    promises.test_what_was_foretold_stands_with_the_commit_and_not_before,
    promises.test_what_was_foretold_and_never_committed_leaves_nothing,
    promises.test_a_transaction_that_was_foretold_may_turn_out_to_have_no_records,
    promises.test_another_commit_than_was_foretold_leaves_the_transaction_in_doubt,
    promises.test_a_transaction_of_nothing_commits,
    promises.test_a_predecessor_is_fenced_and_leaves_no_trace,
    promises.test_after_a_failure_the_writer_is_spent_and_its_successor_finds_the_truth,
    promises.test_many_records_go_with_their_transaction,
]


@pytest.fixture
def bench(kafka) -> Iterator[promises.Bench]:
    yield from promises.bench_on_kafka(kafka, short_transactions=False)


@pytest.mark.servers
@pytest.mark.parametrize("promise", PROMISES, ids=lambda each: each.__name__)
def test_a_long_transaction_keeps_the_promise(bench, promise):
    promise(bench)
    assert not bench.log._short_transactions
