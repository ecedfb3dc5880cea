"""How each topic of a site is to be: partitions, retention, largest message."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from events.log import TopicSpec
from events.topics import Topics

__all__ = ["INBOX_PARTITIONS", "INPUT_BYTES_AT_MOST", "sender_specs", "topic_specs"]

INPUT_BYTES_AT_MOST = 8 * 1024 * 1024
"""The largest input a sender may leave in its inbox; all of it can be kept in ``deadletter``."""

INBOX_PARTITIONS = 4
_OVERHEAD_BYTES = 1024 * 1024  # headers, key and the batch around a record
# A broker's limit is for a whole batch. Our writers close a batch at 1 MiB, and a record has at most 768 KiB.
_BATCH_BYTES = 2 * 1024 * 1024

_REQUESTS_KEPT = timedelta(days=30)
_DOOR_KEPT = timedelta(days=7)


def topic_specs(topics: Topics, partitions: Mapping[str, int], senders: Iterable[str]) -> list[TopicSpec]:
    """Every topic of a site; ``partitions`` by machine, the same for its requests and its events."""
    deadletter = _kept(None, bytes_at_most=INPUT_BYTES_AT_MOST + _OVERHEAD_BYTES)
    requests = _kept(_REQUESTS_KEPT, bytes_at_most=_BATCH_BYTES)
    events = _kept(None, bytes_at_most=_BATCH_BYTES)
    specs = [TopicSpec(topics.deadletter, 1, deadletter)]
    for machine, count in partitions.items():
        specs.append(TopicSpec(topics.requests(machine), count, requests))
        specs.append(TopicSpec(topics.events(machine), count, events))
    for sender in senders:
        specs.extend(sender_specs(topics, sender))
    return specs


def sender_specs(topics: Topics, sender: str) -> list[TopicSpec]:
    """The two topics of one sender of the outside."""
    # The inbox takes whatever deadletter can hold: too large is answered, not lost at the broker's door.
    inbox = _kept(_DOOR_KEPT, bytes_at_most=INPUT_BYTES_AT_MOST + _OVERHEAD_BYTES // 2)
    answers = _kept(_DOOR_KEPT, bytes_at_most=_BATCH_BYTES)
    return [
        TopicSpec(topics.inbox(sender), INBOX_PARTITIONS, inbox),
        TopicSpec(topics.answers(sender), 1, answers),
    ]


def _kept(age: timedelta | None, *, bytes_at_most: int) -> dict[str, str]:
    """Never compacted; ``age`` None: kept for ever."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": "-1" if age is None else str(int(age.total_seconds()) * 1000),
        "retention.bytes": "-1",
        "max.message.bytes": str(bytes_at_most),
        "unclean.leader.election.enable": "false",
    }
