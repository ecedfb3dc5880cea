"""Requests that Kafka deleted before anybody decided them: there is no getting them back, and no silence about them."""

import logging
from collections.abc import Callable
from datetime import datetime

from consumers.dead_record import dead_letter
from events.log import Message, TransactionalWriter
from events.topics import Topics
from service.decider.takeover import Resumed, Seat

__all__ = ["tell_of_gone"]

log = logging.getLogger(__name__)


def tell_of_gone(
    seat: Seat,
    resumed: Resumed,
    *,
    writer: TransactionalWriter,
    topics: Topics,
    clock: Callable[[], datetime],
) -> None:
    """Leave a dead letter that names them, in one transaction with the offset after them: it is told exactly once.

    Standing still would only let more of them be deleted. Raises TransactionInDoubtError.
    """
    place, first, last = seat.requests, resumed.at - resumed.gone, resumed.at - 1
    which = f"offset {first} of {place.topic}/{place.partition} was" if first == last else (
        f"offsets {first} to {last} of {place.topic}/{place.partition} were"
    )  # fmt: skip
    reason = (
        f"{which} deleted before a decider had come so far; wanted a decision for each; whoever asked has to ask "
        "again: run a decider, and have Kafka keep requests longer than it may ever stand still"
    )
    log.error("requests are gone", extra={"seat": seat.name, "first": first, "last": last})
    message = Message(place.topic, place.partition, first, None, None, ())
    key, value, headers = dead_letter(
        message, sender="decider", code="REQUESTS_GONE", reason=reason, at=clock()
    )
    writer.begin()
    writer.send(topics.deadletter, key=key, value=value or b"", partition=0, headers=headers)
    writer.commit({place: resumed.at}, group=topics.decider(seat.machine))
