"""A transaction that nobody will end any more: its owner is fenced, the coordinator calls it over, the partition not.

A broker that was frozen for longer than a transaction may last gives it up when it goes on, and at that moment may
leave out the marker that ends it in a partition (seen with Kafka 4.3.1, alone in its cluster). Whoever reads committed
records then stands before the first of its records for ever; there is no time limit to it, and no restart helps.
"""

import logging
import time
from collections.abc import Callable

from events.log import Place, TransactionalWriter

__all__ = ["Patience", "end_hanging"]

log = logging.getLogger(__name__)

HANGS_AFTER_S = 3.0
"""Ours are ended by the time that a new writer is there; what is left open for longer is somebody else's, or hangs."""

AGAIN_S = 15.0
DELIVERED_S = 10.0


def end_hanging(writer: TransactionalWriter, ledger: Place) -> None:
    """Write something under the producer's id and take it back: the marker that ends this ends what hangs before it.

    Nothing of either is ever read as committed. Harmless where the open transaction is not ours.
    """
    writer.begin()
    writer.send(ledger.topic, key=None, value=b"{}", partition=ledger.partition).result(DELIVERED_S)
    writer.abort()


class Patience:
    """How long nothing has come while something is there. Says so, and does something about it."""

    def __init__(self, end: Callable[[], None], *, say_after_s: float) -> None:
        self._end = end
        self._say_after_s = say_after_s
        self.renew()

    def renew(self) -> None:
        """Something came."""
        now = time.monotonic()
        self._say_at = now + self._say_after_s
        self._act_at = now + HANGS_AFTER_S

    def tried(self, **where: object) -> None:
        """Nothing came again, between these places."""
        now = time.monotonic()
        if now > self._say_at:
            log.warning("waiting for an open transaction", extra=where)
            self._say_at = now + self._say_after_s
        if now > self._act_at:
            log.warning("ending a transaction that may hang, by an empty one that is taken back", extra=where)
            self._act_at = now + AGAIN_S
            self._end()
