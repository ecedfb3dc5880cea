"""What somebody with tools of their own does to topics behind our back: deletes them, adds partitions."""

from collections.abc import Callable
from contextlib import suppress

from kafka import KafkaAdminClient
from kafka import errors as kafka_errors

from events.log import LogUnavailableError

__all__ = ["add_partitions", "delete_topics"]

_ANSWER_MS = 20_000


def delete_topics(brokers: str, names: list[str]) -> None:
    """With all that is in them; those that are gone already are passed over. Raises LogUnavailableError."""

    def delete(client: KafkaAdminClient) -> None:
        for name in names:
            with suppress(kafka_errors.UnknownTopicOrPartitionError):
                client.delete_topics([name], timeout_ms=_ANSWER_MS)

    _with_client(brokers, delete)


def add_partitions(brokers: str, name: str, *, total: int) -> None:
    """From now on keys fall elsewhere. Raises LogUnavailableError."""

    def add(client: KafkaAdminClient) -> None:
        with suppress(kafka_errors.InvalidPartitionsError):  # it was done already, and the answer lost
            client.create_partitions({name: total}, timeout_ms=_ANSWER_MS)

    _with_client(brokers, add)


def _with_client(brokers: str, work: Callable[[KafkaAdminClient], None]) -> None:
    try:
        client = KafkaAdminClient(
            bootstrap_servers=brokers, client_id="somebody", request_timeout_ms=_ANSWER_MS
        )
        try:
            work(client)
        finally:
            client.close()
    except kafka_errors.KafkaError as error:
        raise LogUnavailableError(f"{brokers}: {error}") from error
