"""What somebody with the rights on Kafka may do to topics behind our back."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from kafka.structs import TopicPartition

__all__ = ["TopicsByHand"]


class TopicsByHand:
    """Done at once, and waited for until the cluster says so."""

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers

    def delete(self, *names: str) -> None:
        with self._admin() as admin:
            admin.delete_topics(list(names))
            _until(lambda: not set(names) & set(admin.list_topics()))

    def make(self, name: str, partitions: int) -> None:
        with self._admin() as admin:
            admin.create_topics([NewTopic(name, partitions, 1)])
            _until(lambda: name in admin.list_topics())

    def make_again(self, name: str, partitions: int) -> None:
        self.delete(name)
        self.make(name, partitions)

    def add_partitions(self, name: str, partitions: int) -> None:
        with self._admin() as admin:
            admin.create_partitions({name: partitions})

    def cut(self, name: str, *, before: int) -> None:
        """Delete the records of the first partition before an offset."""
        with self._admin() as admin:
            admin.delete_records({TopicPartition(name, 0): before})

    def write(self, name: str, records: Iterable[tuple[bytes | None, bytes]]) -> None:
        """Records in the first partition, by a writer that is none of ours."""
        producer = KafkaProducer(bootstrap_servers=self._brokers)
        for key, value in records:
            producer.send(name, key=key, value=value, partition=0)
        producer.flush(10)
        producer.close()

    @contextmanager
    def _admin(self) -> Iterator[KafkaAdminClient]:
        client = KafkaAdminClient(bootstrap_servers=self._brokers)
        try:
            yield client
        finally:
            client.close()


def _until(holds) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
