"""A cluster that does not keep short transactions yet: the writer tells of partitions and groups itself."""

from collections.abc import Iterator

import pytest

from tests.contracts import test_log_owners as owners
from tests.contracts import test_log_transactions as transactions
from tests.contracts.log_bench import Bench, bench_on_kafka

PROMISES = [
    transactions.test_committed_readers_see_a_transaction_whole_and_only_once_it_is_committed,
    transactions.test_what_was_aborted_before_it_was_sent_does_not_harm_the_next_transaction,
    transactions.test_what_was_foretold_stands_with_the_commit_and_not_before,
    transactions.test_what_was_foretold_and_never_committed_leaves_nothing,
    transactions.test_a_transaction_that_was_foretold_may_turn_out_to_have_no_records,
    transactions.test_another_commit_than_was_foretold_leaves_the_transaction_in_doubt,
    transactions.test_a_transaction_of_nothing_commits,
    owners.test_a_predecessor_is_fenced_and_leaves_no_trace,
    owners.test_after_a_failure_the_writer_is_spent_and_its_successor_finds_the_truth,
    owners.test_many_records_go_with_their_transaction,
]


@pytest.fixture
def bench(kafka) -> Iterator[Bench]:
    yield from bench_on_kafka(kafka, short_transactions=False)


@pytest.mark.servers
@pytest.mark.parametrize("promise", PROMISES, ids=lambda each: each.__name__)
def test_a_long_transaction_keeps_the_promise(bench, promise):
    promise(bench)
    assert not bench.log._short_transactions
