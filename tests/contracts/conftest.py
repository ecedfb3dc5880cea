"""What every log promises is asked of the log in memory and of the log on Kafka."""

from collections.abc import Iterator

import pytest

from events.memory_log import MemoryLog
from tests.contracts.log_bench import Bench, bench_on_kafka, cleared


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.servers)])
def bench(request) -> Iterator[Bench]:
    if request.param == "memory":
        memory = MemoryLog()
        yield from cleared(Bench(memory, memory.remove, 0.05))
    else:
        yield from bench_on_kafka(request.getfixturevalue("kafka"))
