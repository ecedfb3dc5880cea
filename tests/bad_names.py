"""Records whose header names are no UTF-8, as other languages' clients write them without a word."""

from typing import Any

from events.kafka_log import KafkaLog

__all__ = ["BAD_NAME", "send_with_bad_name"]

BAD_NAME = b"\xff\xfename"


class _BadName(str):
    """A name that our client encodes to bytes that are no UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any, **__: Any) -> bytes:
        return BAD_NAME


def send_with_bad_name(
    log: KafkaLog, topic: str, value: bytes, *, key: bytes | None = None, partition: int = 0
) -> None:
    """Write one such record, with a good header before the bad one."""
    writer = log.writer()
    headers = (("good", b"1"), (_BadName("x"), b"kept"))
    writer.send(topic, key=key, value=value, partition=partition, headers=headers)
    writer.close()
