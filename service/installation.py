"""Whose database this is: written by the first that comes, and everybody else is refused who is of another site."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import Engine

from service.decider.halts import Halt
from service.snapshots import record_halt, store_cursor

__all__ = ["WrongSiteError", "await_cluster", "check_cluster", "check_site", "claim", "note", "note_over"]

log = logging.getLogger(__name__)

PART = "site"
"""Who halts where the cluster is another one: every part of the site."""

_LOOK_S = 1.0


class WrongSiteError(Exception):
    """The database is another site's; nothing was written into it."""


def claim(engine: Engine, *, site: str, cluster_id: str) -> None:
    """Make this database the site's if it is nobody's yet. Raises WrongSiteError."""
    check_site(engine, site)
    with store_cursor(engine) as cursor:
        cursor.execute(
            "INSERT INTO decider.installation (is_one, site, cluster_id, written_at) "
            "VALUES (true, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING",
            (site, cluster_id),
        )
    check_site(engine, site)


def check_site(engine: Engine, site: str) -> None:
    """Raises WrongSiteError where the database belongs to another site."""
    found = _site_of(engine)
    if found is not None and found != site:
        raise WrongSiteError(
            f"found the database of the site {found}, wanted one of the site {site}: a database belongs to one site; "
            f"correct MERIDIAN_SITE or MERIDIAN_DATABASE, or make an empty database for {site}"
        )


def check_cluster(engine: Engine, cluster_id: str) -> None:
    """Raises Halt where the site's ledger is on another Kafka cluster than this one."""
    with store_cursor(engine) as cursor:
        cursor.execute("SELECT site, cluster_id FROM decider.installation")
        row = cursor.fetchone()
    if row is not None and row[1] != cluster_id:
        raise Halt(
            "CLUSTER_CHANGED",
            f"found the kafka cluster {cluster_id}, wanted {row[1]}, which has the ledger of the site {row[0]}; "
            "correct MERIDIAN_KAFKA or MERIDIAN_DATABASE, or adopt the cluster after a restore",
            found=cluster_id,
            wanted=row[1],
        )


def await_cluster(engine: Engine, cluster_id: Callable[[], str], stop: threading.Event) -> None:
    """Return once the site is on this cluster, or told to stop; meanwhile the halt stands for everybody to see."""
    told = False
    while not stop.is_set():
        try:
            check_cluster(engine, cluster_id())
        except Halt as halt:
            if not told:
                log.error("halted", extra={"part": PART, "halt": str(halt)})
                told = True
            note(engine, halt)  # each time: whoever is on the right cluster takes it for over
            stop.wait(_LOOK_S)
        else:
            note_over(engine)
            return


def note(engine: Engine, halt: Halt) -> None:
    """Write down that the whole site stands still."""
    record_halt(engine, part=PART, machine="all", partition=-1, halt=halt)


def note_over(engine: Engine) -> None:
    """Write down that the settings name the site's own cluster again, where a halt says that they did not."""
    with store_cursor(engine) as cursor:
        cursor.execute(
            "WITH over AS (DELETE FROM decider.halt WHERE part = %s AND code = 'CLUSTER_CHANGED' RETURNING *) "
            "INSERT INTO decider.recovery "
            "(part, machine, partition, code, message, details, halted_at, done, actor, reason, recovered_at) "
            "SELECT part, machine, partition, code, message, details, halted_at, 'nothing', 'meridian', "
            "'the settings name the cluster of the site again', clock_timestamp() FROM over",
            (PART,),
        )


def _site_of(engine: Engine) -> str | None:
    """Who wrote its name here, or else whose topics are written down here."""
    with store_cursor(engine) as cursor:
        cursor.execute("SELECT to_regclass('decider.installation')")
        if cursor.fetchone()[0] is None:
            return None  # no tables yet, or those of the version before
        cursor.execute(
            "SELECT site FROM decider.installation UNION ALL "
            "(SELECT split_part(name, '.', 1) FROM decider.topic WHERE NOT EXISTS "
            "(SELECT FROM decider.installation) ORDER BY name LIMIT 1)"
        )
        row = cursor.fetchone()
    return None if row is None else str(row[0])
