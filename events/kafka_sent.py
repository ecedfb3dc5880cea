"""Promises that records handed to kafka-python's producer are on the log; their failures are errors of the log."""

from collections.abc import Callable, Sequence
from typing import Any

from events.kafka_batches import HandedOver
from events.log import LogError, LogUnavailableError

__all__ = ["SentByKey", "SentRecord", "SentTogether"]

Failed = Callable[[Exception], LogError]
"""What a failure means to the writer that the records came from."""


class SentRecord:
    """A record handed over."""

    __slots__ = ("_failed", "_future")

    def __init__(self, future: Any, failed: Failed) -> None:
        self._future = future
        self._failed = failed

    def result(self, timeout_s: float) -> tuple[int, int]:
        """Partition and offset, once acknowledged; raises LogError."""
        try:
            metadata = self._future.get(timeout_s)
        except Exception as error:
            raise self._failed(error) from error
        return metadata.partition, metadata.offset


class SentTogether:
    """Records of one partition handed over together; they went in one batch or in several."""

    __slots__ = ("_failed", "_handed")

    def __init__(self, handed: list[HandedOver], failed: Failed) -> None:
        self._handed = handed
        self._failed = failed

    def offsets(self, timeout_s: float) -> list[int]:
        """The offset of each record, once all are acknowledged; raises LogError."""
        offsets: list[int] = []
        for each in self._handed:
            try:
                if not each.batch.produce_future.wait(timeout_s):
                    raise LogUnavailableError(f"records are not acknowledged within {timeout_s:g} s")
                each.raise_refused()
            except Exception as error:
                raise self._failed(error) from error
            base = each.batch.produce_future.value[0]
            offsets += range(base, base + each.records)
        return offsets


class SentByKey:
    """Records of several partitions: of each, which of the records went there, by their numbers."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[tuple[Sequence[int], SentTogether]]) -> None:
        self._parts = parts

    def offsets(self, timeout_s: float) -> list[int]:
        """The offset of each record in its partition, once all are acknowledged; raises LogError."""
        found = {
            number: offset
            for numbers, sent in self._parts
            for number, offset in zip(numbers, sent.offsets(timeout_s), strict=True)
        }
        return [found[number] for number in range(len(found))]
