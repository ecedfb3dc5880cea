"""What ``meridian recover --apply`` does about each kind of halt; each function says what it did."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from sqlalchemy import Connection

from consumers.dead_record import dead_letter
from events.log import Log, Message, Place
from events.topics import Topics
from projectors import recoveries
from projectors.fold_version import forget_folding
from projectors.passed_over import pass_over
from projectors.read_models import LIVE
from projectors.recoveries import StandingHalt

__all__ = ["ACTS", "NEVER_RETRIED", "Doing", "NotYetError", "try_again"]

_READ_S = 10.0


class NotYetError(ValueError):
    """Somebody has to do something first that no command of ours may do; the message says what."""


@runtime_checkable
class HasCluster(Protocol):
    """A log that can tell which cluster it is on."""

    def cluster_id(self) -> str:
        """The cluster's own id."""


@dataclass(frozen=True, slots=True)
class Doing:
    """One halt that is led on from, and what that needs; all of it in the transaction of ``connection``."""

    logs: Log
    topics: Topics
    connection: Connection
    halt: StandingHalt

    @property
    def ledger(self) -> Place:
        """The partition of the ledger that the halt is about."""
        machine = str(self.halt.details.get("machine") or self.halt.machine)
        return Place(
            self.topics.events(machine), int(self.halt.details.get("partition", self.halt.partition))
        )

    @property
    def requests(self) -> Place:
        """The partition of requests that the halt is about."""
        return Place(self.topics.requests(self.halt.machine), self.halt.partition)

    @property
    def named_topics(self) -> list[str]:
        """The topics that the halt is about."""
        return [str(name) for name in self.halt.details.get("topics", ())]


def try_again(_: Doing) -> str:
    """Nothing is changed but the halt itself."""
    return "the halt is taken away: it is tried again"


def adopt_topics(doing: Doing) -> str:
    """The topics that are there now are the ones; of a ledger, everything made from the old one is read again."""
    return "; ".join(_adopt(doing, name) for name in _there(doing, doing.named_topics))


def make_anew(doing: Doing) -> str:
    """The topics may be made again under their names."""
    for name in doing.named_topics:
        recoveries.forget_topic(doing.connection, name)
    return f"forgot the topic id of {', '.join(doing.named_topics)}: the decider makes it anew"


def look_at_topics(doing: Doing) -> str:
    """Topics that are there as they were are adopted, whatever their id is now."""
    names = _there(doing, doing.named_topics)
    if doing.halt.part in recoveries.FOLLOWERS:
        return (
            f"{', '.join(names)} is there again"  # whether it is another one, the follower finds for itself
        )
    return "; ".join(_adopt(doing, name) for name in names)


def look_at_partitions(doing: Doing) -> str:
    """Those of the topics, or of a follower's ledger, are as many as there were."""
    if doing.named_topics:
        return look_at_topics(doing)
    name, wanted = doing.ledger.topic, int(doing.halt.details["wanted"])
    found = doing.logs.partitions([name]).get(name)
    if found != wanted:
        raise _partitions_wrong(name, found or 0, wanted)
    return f"{name} has {found} partitions again"


def look_at_both(doing: Doing) -> str:
    """Requests and ledger have equally many partitions now, or one of them is to be made."""
    machine = str(doing.halt.details["machine"])
    names = [doing.topics.requests(machine), doing.topics.events(machine)]
    counts = doing.logs.partitions(names)
    if len(set(counts.values())) > 1:
        found = " and ".join(f"{name} with {count}" for name, count in counts.items())
        raise NotYetError(
            f"found {found} partitions, wanted equally many: delete the wrong one, if it is empty"
        )
    return "their partitions are equally many now"


def look_at_the_beginning(doing: Doing) -> str:
    """The ledger begins where it has to."""
    wanted = int(doing.halt.details["next_offset"])
    reader = doing.logs.reader(committed=True)
    try:
        found = reader.beginning(doing.ledger)
    finally:
        reader.close()
    if found > wanted:
        raise NotYetError(
            f"{doing.ledger.topic}/{doing.ledger.partition}: found that it begins at {found}, wanted {wanted}: "
            "restore it from its archive or a backup of the broker"
        )
    return f"{doing.ledger.topic}/{doing.ledger.partition} begins at {found}"


def adopt_cluster(doing: Doing) -> str:
    """The cluster that is there now is the site's."""
    if not isinstance(doing.logs, HasCluster):
        raise NotYetError("this log can't tell which cluster it is on")
    cluster_id = doing.logs.cluster_id()
    recoveries.adopt_cluster(doing.connection, cluster_id)
    return f"adopted the kafka cluster {cluster_id}"


def read_again(doing: Doing) -> str:
    """Snapshots and watermark go; what the ledger has lost may be decided again."""
    halt = doing.halt
    end = _end(doing.logs, doing.ledger)
    snapshots = recoveries.forget_snapshots(doing.connection, halt.machine, halt.partition)
    outcomes = recoveries.forget_outcomes_after(
        doing.connection, halt.machine, halt.partition, ledger_end=end
    )
    return (
        f"forgot {snapshots} snapshots and {outcomes} outcomes that the ledger does not have; "
        f"it is read from its beginning to {end}"
    )


def finish_the_import(doing: Doing) -> str:
    """Only the import itself ends this halt, once all of the ledger is there."""
    folder = doing.halt.details.get("folder", "DIR")
    raise NotYetError(
        f"found an import that has not ended, wanted all of the ledger: go on with it (meridian import {folder} "
        "--reason '…'), or give it up: delete the site's topics and make an empty database"
    )


def go_on_at_end(doing: Doing) -> str:
    """Requests are read from the end of their topic as it is now."""
    requests = doing.requests
    end = _end(doing.logs, requests)
    _seat(doing, requests, end)
    return f"{requests.topic}/{requests.partition} goes on at its end, {end}"


def set_request_aside(doing: Doing) -> str:
    """The one request that can't be committed becomes a dead letter, and the next one is read."""
    requests = doing.requests
    offset = int(doing.halt.details["offset"])
    message = _message(doing.logs, requests, offset)
    if message is not None:
        _bury(doing, message)
    _seat(doing, requests, offset + 1)
    where = f"{requests.topic}/{requests.partition}/{offset}"
    if message is None:
        return f"nothing stands at {where} any more; {offset + 1} is next"
    return f"the request at {where} is a dead letter now; {offset + 1} is next"


def set_record_aside(doing: Doing) -> str:
    """One record of the ledger that is none becomes a dead letter, and every part passes over it."""
    ledger, offset = doing.ledger, doing.halt.details.get("offset")
    if offset is None:
        return try_again(doing)
    where = f"{ledger.topic}/{ledger.partition}/{offset}"
    message = _message(doing.logs, ledger, int(offset))
    if message is None:
        return f"nothing stands at {where} any more; it is tried again"
    machine = str(doing.halt.details.get("machine") or doing.halt.machine)
    if pass_over(doing.connection, machine, message):
        _bury(doing, message)
    return f"the record at {where} is a dead letter now, and passed over"


def follow_again(doing: Doing) -> str:
    """A follower begins at the beginning: views are filled again, obligations noted again."""
    if doing.halt.part != "projector":
        recoveries.forget_positions(doing.connection, doing.halt.part)
        return "dispatch reads the ledger from its beginning; work that was done is looked at, not done twice"
    emptied = recoveries.empty_projection(doing.connection)
    recoveries.forget_positions(doing.connection, "projector")
    forget_folding(doing.connection, LIVE.schema)
    return f"emptied {len(emptied)} tables of the views; the projector fills them again from the ledger's beginning"


NEVER_RETRIED = frozenset({"IMPORT_UNDER_WAY"})
"""Halts that do not even look: a part that tried again would take what is there for all there is."""

ACTS: Mapping[str, Callable[[Doing], str]] = {
    "TOPIC_ID_CHANGED": adopt_topics,
    "TOPIC_GONE": make_anew,
    "LEDGER_GONE": look_at_topics,
    "PARTITIONS_CHANGED": look_at_partitions,
    "PARTITIONS_DIFFER": look_at_both,
    "CLUSTER_CHANGED": adopt_cluster,
    "LEDGER_UNREADABLE": set_record_aside,
    "LEDGER_FROM_FUTURE": try_again,
    "LEDGER_BROKEN": set_record_aside,
    "LEDGER_CUT": look_at_the_beginning,
    "SEQUENCE_REPEATED": set_record_aside,
    "IMPORT_UNDER_WAY": finish_the_import,
    "SNAPSHOT_AHEAD": read_again,
    "BEYOND_END": go_on_at_end,
    "STUCK_AT_REQUEST": set_request_aside,
    "CODE_IS_WRONG": try_again,
    "FENCED_FROM_OUTSIDE": try_again,
    "POSITION_OF_ANOTHER_TOPIC": follow_again,
    "POSITION_BEYOND_END": follow_again,
    "SEQUENCE_HOLE": follow_again,
    "ROWS_REFUSED": try_again,
    "LOG_REFUSES": try_again,
}


# --- how


def _there(doing: Doing, names: list[str]) -> list[str]:
    """The names, if each of them is a topic with the partitions it had. Raises NotYetError."""
    counts = doing.logs.partitions(names)
    missing = [name for name in names if name not in counts]
    if missing:
        raise NotYetError(f"found no topic {', '.join(missing)}, wanted it restored first")
    for name in names:
        wanted = recoveries.known_partitions(doing.connection, name)
        if wanted is not None and counts[name] != wanted:
            raise _partitions_wrong(name, counts[name], wanted)
    return names


def _partitions_wrong(name: str, found: int, wanted: int) -> NotYetError:
    return NotYetError(
        f"{name}: found {found} partitions, wanted {wanted}: delete the topic and make it anew with {wanted}, "
        "a ledger from its archive; then do this again"
    )


def _adopt(doing: Doing, name: str) -> str:
    topic_id = doing.logs.topic_ids([name])[name]
    recoveries.adopt_topic_id(doing.connection, name, topic_id)
    machine = _machine_of_ledger(doing.topics, name)
    if machine is None:
        return f"adopted the topic id {topic_id} of {name}; its requests are read from the first"
    snapshots = _forget_all(doing, machine)
    return f"adopted the topic id {topic_id} of {name} and forgot {snapshots} snapshots: the ledger is read again"


def _machine_of_ledger(topics: Topics, name: str) -> str | None:
    machine = name.removeprefix(f"{topics.site}.").removesuffix(".events")
    return machine if topics.events(machine) == name else None


def _forget_all(doing: Doing, machine: str) -> int:
    name = doing.topics.events(machine)
    for partition in range(doing.logs.partitions([name])[name]):
        end = _end(doing.logs, Place(name, partition))
        recoveries.forget_outcomes_after(doing.connection, machine, partition, ledger_end=end)
    return recoveries.forget_snapshots(doing.connection, machine)


def _seat(doing: Doing, requests: Place, offset: int) -> None:
    """All words that a take-over hears: the offset committed on Kafka, and the store's, also against the ledger's."""
    machine = doing.halt.machine
    writer = doing.logs.transactional(f"{doing.topics.site}.{machine}.{requests.partition}")
    try:
        writer.begin()
        writer.commit({requests: offset}, group=doing.topics.decider(machine))
    finally:
        writer.close()
    recoveries.seat_requests(
        doing.connection,
        machine,
        requests.partition,
        topic_id=doing.logs.topic_ids([requests.topic])[requests.topic],
        next_request=offset,
        ledger_end=_end(doing.logs, doing.ledger),
    )


def _end(logs: Log, place: Place) -> int:
    reader = logs.reader(committed=True)
    try:
        return reader.end(place)
    finally:
        reader.close()


def _message(logs: Log, place: Place, offset: int) -> Message | None:
    """The record at an offset; None: none stands there. Raises NotYetError where Kafka does not show which it is."""
    reader = logs.reader(committed=True)
    try:
        if not reader.beginning(place) <= offset < reader.end(place):
            return None
        reader.assign({place: offset})
        polled = reader.poll(at_most=1, timeout_s=_READ_S).get(place, [])
        if not polled and reader.position(place) <= offset:
            raise NotYetError(
                f"{place.topic}/{place.partition}: found nothing to read at {offset} within {_READ_S:g} s, wanted the "
                "record that stands there; meridian doctor says whether Kafka serves it; then do this again"
            )
    finally:
        reader.close()
    return next((message for message in polled if message.offset == offset), None)


def _bury(doing: Doing, message: Message) -> None:
    halt = doing.halt
    key, value, headers = dead_letter(
        message, sender=halt.part, code=halt.code, reason=halt.message, at=datetime.now(UTC)
    )
    writer = doing.logs.writer()
    try:
        sent = writer.send(doing.topics.deadletter, key=key, value=value, partition=0, headers=headers)
        writer.flush(_READ_S)
        sent.result(_READ_S)
    finally:
        writer.close()
