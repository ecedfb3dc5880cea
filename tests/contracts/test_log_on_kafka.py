"""What the log on Kafka does with its cluster, beyond what every log promises."""

import itertools
from collections.abc import Iterator

import pytest

from tests.contracts.log_bench import (
    LONG_S,
    Bench,
    bench_on_kafka,
    read,
    settled,
    values,
)


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
