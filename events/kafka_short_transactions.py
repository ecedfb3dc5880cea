"""Transactions as Kafka 4 keeps them (KIP-890, ``transaction.version`` 2), which kafka-python does not speak by itself.

The broker adds a partition to the transaction with its first record, and a group with its first offsets, so the two
requests that said so before are gone. Each end raises the producer's epoch: a request of the transaction before that
is late on its way can no longer land in the next one. Requests and their versions are the library's own; what is
changed here is which of them are sent, as Kafka's Java client has it.
It reaches into parts of the library that are not public; the log's contract tests hold it to the locked version.
"""

from collections.abc import Mapping
from typing import Any

from kafka.producer.transaction_manager import (
    EndTxnHandler,
    ProducerIdAndEpoch,
    TransactionalRequestResult,
    TransactionManager,
    TransactionState,
    TxnOffsetCommitHandler,
)
from kafka.structs import ConsumerGroupMetadata

__all__ = ["PRODUCE", "ShortTransactions"]

PRODUCE = 12
"""From this version on, a request with records adds their partitions to the transaction."""
_TXN_OFFSET_COMMIT = 5
_END_TXN = 5


class ShortTransactions(TransactionManager):  # type: ignore[misc]  # the client has no types
    """Tells the broker of nothing that it finds out by itself."""

    def maybe_add_partition_to_transaction(self, topic_partition: Any) -> None:
        """Records of this partition may go."""
        with self._lock:
            self._fail_if_not_ready_for_send()
            self._partitions_in_transaction.add(topic_partition)
            self._transaction_started: bool = True

    def send_offsets_to_transaction(self, offsets: Mapping[Any, Any], group: str) -> Any:
        """Have the offsets committed with the transaction; the result is done once the broker has them."""
        with self._lock:
            self._ensure_transactional()
            self._maybe_fail_with_error()
            if self._current_state != TransactionState.IN_TRANSACTION:
                raise RuntimeError(f"offsets of {group}: no transaction is open")
            self._pending_txn_offset_commits.update(offsets)
            self._transaction_started = True
            handler = _OffsetCommit(
                self,
                ConsumerGroupMetadata(group_id=group),
                self._pending_txn_offset_commits,
                TransactionalRequestResult(),
            )
            self._enqueue_request(handler)
            return handler.result

    def _begin_completing_transaction(self, committed: bool) -> Any:
        handler = _End(self, committed)
        self._enqueue_request(handler)
        return handler.result


class _OffsetCommit(TxnOffsetCommitHandler):  # type: ignore[misc]
    """Offsets that add their group to the transaction."""

    def _build_request(self) -> Any:
        return _only(super()._build_request(), _TXN_OFFSET_COMMIT)


class _End(EndTxnHandler):  # type: ignore[misc]
    """An end whose answer says under which id and epoch the next transaction goes."""

    def __init__(self, manager: ShortTransactions, committed: bool) -> None:
        super().__init__(manager, committed)
        _only(self.request, _END_TXN)

    def handle_response(self, response: Any) -> None:
        """Take over the next id and epoch; the records of each partition are counted from 0 again."""
        manager = self.transaction_manager
        if not response.error_code:
            manager.producer_id_and_epoch = ProducerIdAndEpoch(response.producer_id, response.producer_epoch)
            manager._sequence_numbers.clear()
            manager._last_acked_offset.clear()
        super().handle_response(response)


def _only(request: Any, version: int) -> Any:
    """The request, in this version and no other: an older one means something else."""
    request._min_version = request._max_version = version
    return request
