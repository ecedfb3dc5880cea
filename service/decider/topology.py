"""The topics as they were when first seen: same id, same partition count, or the service refuses and says why."""

import logging
from collections.abc import Iterable, Mapping

from sqlalchemy import Engine

from events.log import Log
from events.topic_specs import topic_specs
from events.topics import Topics
from service.decider.halts import Halt
from service.snapshots import store_cursor

__all__ = ["Known", "TopologyWatch", "check_topics", "known_topics"]

log = logging.getLogger(__name__)

Known = dict[str, tuple[str, int]]
"""Topic id and partition count by name."""

LOOK_EVERY = 2
"""Heartbeats."""


def check_topics(logs: Log, engine: Engine, topics: Topics, partitions: Mapping[str, int]) -> Known:
    """Create what was never there, compare what was; the topics of requests and ledgers. Raises Halt."""
    ours = [name for machine in partitions for name in (topics.requests(machine), topics.events(machine))]
    known = {name: told for name, told in known_topics(engine).items() if name in ours}
    _compare(known, _found(logs, known))
    logs.ensure(topic_specs(topics, partitions, ()))
    found = _found(logs, ours)
    _compare(known, found)
    _check_wanted(topics, partitions, {name: count for name, (_, count) in found.items()})
    _write_down(engine, {name: told for name, told in found.items() if name not in known})
    return found


def known_topics(engine: Engine) -> Known:
    """What was written down."""
    with store_cursor(engine) as cursor:
        cursor.execute("SELECT name, topic_id, partitions FROM decider.topic")
        return {name: (topic_id, count) for name, topic_id, count in cursor.fetchall()}


class TopologyWatch:
    """Notices topics that go, change or are made anew while we run."""

    def __init__(self, logs: Log, known: Known) -> None:
        self._logs = logs
        self._known = known
        self._looks = 0
        self._last: str | None = None

    def look(self) -> None:
        """At every second heartbeat; raises Halt where the same is found twice, or LogError."""
        self._looks += 1
        if self._looks % LOOK_EVERY:
            return
        try:
            _compare(self._known, _found(self._logs, self._known))
        except Halt as halt:
            # A broker that has just come up may not know all of them yet.
            if self._last == halt.message:
                raise
            self._last = halt.message
        else:
            self._last = None


def _found(logs: Log, names: Iterable[str]) -> Known:
    asked = list(names)
    ids, counts = logs.topic_ids(asked), logs.partitions(asked)
    return {name: (ids[name], counts[name]) for name in asked if name in ids and name in counts}


def _compare(known: Known, found: Known) -> None:
    """One halt for all topics of which the same is wrong; what weighs most comes first."""
    gone = [name for name in known if name not in found]
    ledgers_gone = [name for name in gone if name.endswith(".events")]
    if gone:
        raise Halt(
            "LEDGER_GONE" if ledgers_gone else "TOPIC_GONE",
            f"{', '.join(ledgers_gone or gone)}: was there before and is gone; wanted the same topic: restore it",
            topics=ledgers_gone or gone,
        )
    resized = {name: found[name][1] for name in known if found[name][1] != known[name][1]}
    if resized:
        each = [
            f"{name}: found {count} partitions, wanted {known[name][1]}" for name, count in resized.items()
        ]
        raise Halt(
            "PARTITIONS_CHANGED",
            f"{'; '.join(each)}; keys have moved, and nobody may decide on them: restore the partitions",
            topics=list(resized),
        )
    others = [name for name in known if found[name][0] != known[name][0]]
    if others:
        each = [f"{name}: found the topic id {found[name][0]}, wanted {known[name][0]}" for name in others]
        raise Halt(
            "TOPIC_ID_CHANGED",
            f"{'; '.join(each)}: deleted and made anew, or restored",
            topics=others,
        )


def _check_wanted(topics: Topics, partitions: Mapping[str, int], counts: Mapping[str, int]) -> None:
    for machine, wanted in partitions.items():
        found = counts[topics.requests(machine)], counts[topics.events(machine)]
        if found[0] != found[1]:
            raise Halt(
                "PARTITIONS_DIFFER",
                f"{machine}: requests have {found[0]} partitions and the ledger {found[1]}; wanted equally many",
                machine=machine,
            )
        if found[0] != wanted:
            log.warning(
                "partition count of settings is not used",
                extra={"machine": machine, "found": found[0], "settings": wanted},
            )


def _write_down(engine: Engine, fresh: Known) -> None:
    if not fresh:
        return
    with store_cursor(engine) as cursor:
        for name, (topic_id, count) in fresh.items():
            cursor.execute(
                "INSERT INTO decider.topic (name, topic_id, partitions, written_at) VALUES (%s, %s, %s, now()) "
                "ON CONFLICT (name) DO NOTHING",
                (name, topic_id, count),
            )
