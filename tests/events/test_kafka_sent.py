"""Promises of records that went to several partitions: each record's own offset, and every failure told."""

from types import SimpleNamespace

import pytest

from events.kafka_batches import HandedOver
from events.kafka_sent import SentByKey, SentTogether
from events.log import LogError, LogUnavailableError


def handed(base: int, records: int, *, refused: Exception | None = None, answers: bool = True) -> HandedOver:
    """A batch as the client leaves it once the broker has answered."""
    value = (base, -1, None if refused is None else lambda _: refused)
    future = SimpleNamespace(value=value, wait=lambda _: answers)
    return HandedOver(SimpleNamespace(produce_future=future), records)


def told(error: Exception) -> LogError:
    return error if isinstance(error, LogError) else LogError(f"told: {error}")


def test_each_record_has_the_offset_of_its_own_partition_and_batch():
    odd = SentTogether([handed(100, 2), handed(200, 1)], told)
    even = SentTogether([handed(7, 2)], told)
    assert SentByKey([([1, 3, 4], odd), ([0, 2], even)]).offsets(1.0) == [7, 100, 8, 101, 200]
    assert SentByKey([]).offsets(1.0) == []


def test_what_one_partition_refuses_is_told_for_all():
    good, bad = (
        SentTogether([handed(0, 1)], told),
        SentTogether([handed(-1, 1, refused=ValueError("no"))], told),
    )
    with pytest.raises(LogError, match="told: no"):
        SentByKey([([0], good), ([1], bad)]).offsets(1.0)


def test_silence_is_not_taken_for_an_answer():
    with pytest.raises(LogUnavailableError, match=r"not acknowledged within 0\.5 s"):
        SentTogether([handed(0, 1, answers=False)], told).offsets(0.5)
