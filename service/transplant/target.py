"""Whether a site's servers are empty and nobody is at work there: the only ones that an export is brought into."""

# ruff: noqa: S608 - names are PostgreSQL's own, quoted by it

from collections.abc import Iterable

from sqlalchemy import Connection, text

from events.log import Log, Place
from events.topics import Topics
from service.transplant.manifest import TransplantError

__all__ = ["check_empty", "check_nobody_works", "forget_beginnings"]

_HELP = (
    "an export is only brought into empty servers, for two histories can't be joined: name others in MERIDIAN_KAFKA "
    "and MERIDIAN_DATABASE, or, if nothing of it is wanted any more, delete these topics and make an empty database "
    "(of a local stack: meridian down --erase, then meridian up --servers)"
)


def check_nobody_works(connection: Connection) -> None:
    """Raises TransplantError where roles of the site have sessions in the database."""
    at_work = list(connection.execute(_AT_WORK).scalars())
    if at_work:
        raise TransplantError(
            f"found {', '.join(at_work)} at work in the database, wanted no role of the site running: stop them "
            "(meridian down, then meridian up --servers), import, and start them again"
        )


def check_empty(log: Log, connection: Connection, topics: Topics) -> None:
    """Raises TransplantError, naming everything that is there."""
    found = [*_found_in_kafka(log, topics), *_found_in_postgres(log, connection)]
    if found:
        raise TransplantError(
            f"site {topics.site}: found {'; '.join(found)}, wanted nothing of the site there; {_HELP}"
        )


def forget_beginnings(connection: Connection) -> None:
    """Positions at 0 may name topics that have been made anew since."""
    for table in _POSITIONS:
        connection.execute(text(f"DELETE FROM {table} WHERE next_offset = 0"))


def _found_in_kafka(log: Log, topics: Topics) -> list[str]:
    """Topics of the site in which anything ever stood, with how much."""
    names = [name for name in log.names() if name.startswith(f"{topics.site}.")]
    counts = log.partitions(names)
    reader = log.reader()
    try:
        ends = {
            name: sum(reader.end(Place(name, number)) for number in range(count))
            for name, count in counts.items()
        }
    finally:
        reader.close()
    return [f"the topic {name} with {end} offsets" for name, end in sorted(ends.items()) if end]


def _found_in_postgres(log: Log, connection: Connection) -> list[str]:
    """Tables with rows that are not there from the start, and topics that were others."""
    found = []
    for table in connection.execute(_TABLES).scalars():
        rows = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
        if rows:
            found.append(f"{rows} rows in {table}")
    for table in _POSITIONS:
        moved = connection.execute(text(f"SELECT count(*) FROM {table} WHERE next_offset > 0")).scalar_one()
        if moved:
            found.append(f"{moved} positions beyond 0 in {table}")
    known = {row.name: row.topic_id for row in connection.execute(_KNOWN)}
    return [*found, *_others(log, known)]


def _others(log: Log, known: dict[str, str]) -> Iterable[str]:
    now = log.topic_ids(known)
    return (
        f"the topic {name} written down with another id" for name in known if now.get(name) != known[name]
    )


_POSITIONS = ("decider.watermark", "projection.position", "work.position")

# What is there of a site that has only begun: leases, topics as first seen, positions at 0, who works where.
_TABLES = text("""
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname IN ('decider', 'work', 'projection', 'operations')
        AND (schemaname, tablename) NOT IN (
            ('decider', 'installation'), ('decider', 'lease'), ('decider', 'topic'), ('decider', 'watermark'),
            ('projection', 'position'), ('work', 'position'), ('work', 'worker'), ('work', 'breaker'), ('work', 'gate'))
    ORDER BY 1
""")
_KNOWN = text("SELECT name, topic_id FROM decider.topic")
_AT_WORK = text("""
    SELECT DISTINCT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name IN (
        'meridian-all', 'meridian-decider', 'meridian-projector', 'meridian-consumers', 'meridian-worker',
        'meridian-intake', 'meridian-timers')
    ORDER BY 1
""")
