"""kafka-python's sender with the waits taken out of a transaction: records go as soon as their partition is added.

Left to itself the client sends no record while a request of the transaction is under way, and the offsets of a
transaction take two of them: records that are ready wait for both. To Kafka the order of a transaction's offsets and
records does not matter, as long as both are acknowledged before its end; and that the client goes on to see to.
It reaches into parts of the library that are not public; the log's contract tests hold it to the locked version.
"""

from typing import Any

from kafka.producer.sender import Sender

from events.kafka_short_transactions import PRODUCE, ShortTransactions

__all__ = ["EagerSender", "hasten"]


class EagerSender(Sender):  # type: ignore[misc]  # the client has no types
    """Sends records beside a request of their transaction."""

    def run_once(self) -> None:
        """One turn of the sender's thread."""
        if self._goes_beside(self._transaction_manager):
            while self._topics_to_add:
                self._metadata.add_topic(self._topics_to_add.pop())
            wait_ms = self._send_producer_data()
            self._client.poll(timeout_ms=min(wait_ms, self.config["retry_backoff_ms"]))
        else:
            super().run_once()

    @staticmethod
    def _goes_beside(manager: Any) -> bool:
        """A request is under way, nothing is wrong, and no record would have to wait for its partition to be added."""
        return bool(
            manager.has_in_flight_transactional_request()
            and manager.has_producer_id()
            and not manager.has_partitions_to_add()
            and not manager.has_error()
            and not manager.is_bumping_epoch()
        )

    def _produce_request(self, *args: Any) -> Any:
        request = super()._produce_request(*args)
        if isinstance(self._transaction_manager, ShortTransactions):
            request._min_version = request._max_version = PRODUCE
        return request


def hasten(producer: Any, *, short: bool) -> None:
    """Make the sender of this transactional producer, which runs already, an eager one; before any transaction.

    ``short``: the broker keeps transactions as ``ShortTransactions`` wants them.
    """
    if short:
        producer._transaction_manager.__class__ = ShortTransactions
    producer._sender.__class__ = EagerSender
