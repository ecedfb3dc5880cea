"""The topics as they were when first seen: same id, same partition count, or the service refuses to start."""

import logging
from collections.abc import Mapping

from sqlalchemy import Engine

from events.log import Log
from events.topic_specs import topic_specs
from events.topics import Topics
from service.decider.halts import Halt
from service.snapshots import store_cursor

__all__ = ["Known", "check_topics", "known_topics"]

log = logging.getLogger(__name__)

Known = dict[str, tuple[str, int]]
"""Topic id and partition count by name."""


def check_topics(logs: Log, engine: Engine, topics: Topics, partitions: Mapping[str, int]) -> dict[str, str]:
    """Create what was never there, compare what was; the ids of request and ledger topics by name. Raises Halt."""
    ours = [name for machine in partitions for name in (topics.requests(machine), topics.events(machine))]
    known = known_topics(engine)
    _check_still_there(logs, [name for name in ours if name in known])
    logs.ensure(topic_specs(topics, partitions, ()))
    ids, counts = logs.topic_ids(ours), logs.partitions(ours)
    for name in ours:
        if name in known:
            _check_same(name, known[name], (ids[name], counts[name]))
    _write_down(engine, {name: (ids[name], counts[name]) for name in ours if name not in known})
    _check_wanted(topics, partitions, counts)
    return ids


def known_topics(engine: Engine) -> Known:
    """What was written down."""
    with store_cursor(engine) as cursor:
        cursor.execute("SELECT name, topic_id, partitions FROM decider.topic")
        return {name: (topic_id, count) for name, topic_id, count in cursor.fetchall()}


def _check_still_there(logs: Log, names: list[str]) -> None:
    found = logs.topic_ids(names) if names else {}
    for name in names:
        if name not in found:
            raise Halt(
                "TOPIC_GONE",
                f"{name} was there before and is gone; wanted the same topic: restore it",
                topic=name,
            )


def _check_same(name: str, known: tuple[str, int], found: tuple[str, int]) -> None:
    if known[0] != found[0]:
        raise Halt(
            "TOPIC_ID_CHANGED",
            f"{name}: found the topic id {found[0]}, wanted {known[0]}: it was deleted and made anew, or restored",
            topic=name,
            found=found[0],
            wanted=known[0],
        )
    if known[1] != found[1]:
        raise Halt(
            "PARTITIONS_CHANGED",
            f"{name}: found {found[1]} partitions, wanted {known[1]}: keys have moved, and nobody may decide on them; "
            "restore the topic with its partitions",
            topic=name,
            found=found[1],
            wanted=known[1],
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
