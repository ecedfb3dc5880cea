"""Breakers: a server that does not answer makes its work wait, with one line in the log, and comes back in a ramp."""

import logging
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Column, Connection, DateTime, Integer, Table, Text, text

from projectors.database import metadata

__all__ = [
    "ARCHIVE",
    "DEPENDENCIES",
    "GLOBUS",
    "IS_OVER",
    "LOG",
    "PORTAL",
    "REGISTER",
    "breaker",
    "store_of",
    "succeed",
    "trip",
]

log = logging.getLogger(__name__)

ARCHIVE, REGISTER, LOG, PORTAL, GLOBUS = "archive", "register", "log", "portal", "globus"
"""``portal``: the metadata store to which publications are announced; ``globus``: its transfer service."""

DEPENDENCIES: Mapping[str, tuple[str, ...]] = {
    "ingest": (LOG,),
    "transfer": (LOG, ARCHIVE),
    "register": (LOG, REGISTER),
    "remove": (LOG, ARCHIVE),
    "answer": (LOG,),
    "follow": (LOG,),
    "inbox": (LOG,),
    "member": (LOG,),
    "pair": (LOG,),
    "attest": (LOG,),
    "datasets": (LOG,),
    "policies": (LOG,),
    "preview": (LOG, ARCHIVE),
    "readiness": (LOG,),
    "qualify": (LOG,),
    "embargo": (LOG,),
    "preprocess": (LOG,),
    "unstage": (LOG,),
    "verify": (LOG,),
    "package": (LOG, ARCHIVE),
    "archive": (LOG, ARCHIVE, GLOBUS),
    "announce": (LOG, PORTAL),
    "cite": (LOG, ARCHIVE),
    "publish": (LOG, ARCHIVE),
    "withdraw": (LOG, PORTAL),
    "unveil": (LOG, PORTAL, GLOBUS),
}
"""What an effect can't do without; ``ingest`` and ``transfer`` need the stream's own stores as well."""

_RAMPED_UP = 64
_WAIT_FIRST_S = 1.0
_WAIT_AT_MOST_S = 15.0

IS_OVER = "({0} <= clock_timestamp() OR {0} > clock_timestamp() + interval '2 min')"
"""That a time to wait until has passed. No wait of ours is longer than 30 s: what lies further ahead was set before
PostgreSQL's clock was set back."""

breaker = Table(
    "breaker",
    metadata,
    Column("dependency", Text, primary_key=True, comment="archive, register, log, portal, store/<stream>"),
    Column("since", DateTime(timezone=True), nullable=False, comment="first failure"),
    Column("failures", Integer, nullable=False, comment="probes that failed, the first failure counted"),
    Column("retry_at", DateTime(timezone=True), nullable=False, comment="no work until then"),
    Column("ramp", Integer, nullable=False, comment="items at once while it comes back"),
    Column("code", Text),
    Column("last_error", Text),
    schema="work",
)


def store_of(stream: str) -> str:
    """The dependency that a stream's own stores are: where its files come from, and its place in the archive."""
    return f"store/{stream}"


def trip(connection: Connection, dependency: str, *, code: str, error: str) -> datetime:
    """A dependency failed: when it may be tried again. Says so once, when it fails first."""
    members = {
        "dependency": dependency,
        "code": code,
        "error": error[:2000],
        "first_s": _WAIT_FIRST_S,
        "at_most_s": _WAIT_AT_MOST_S,
    }
    row = connection.execute(_TRIP, members).one()
    if row.is_new:
        log.warning(
            "work waits for a server", extra={"dependency": dependency, "code": code, "error": error[:2000]}
        )
    retry_at: datetime = row.retry_at
    return retry_at


def succeed(connection: Connection, dependency: str) -> None:
    """A dependency answers again: twice as many at once from now on, until it is trusted as before."""
    connection.execute(_RAMP, {"dependency": dependency})
    row = connection.execute(_OVER, {"dependency": dependency, "ramp": _RAMPED_UP}).one_or_none()
    if row is not None:
        extra = {"dependency": dependency, "since": row.since.isoformat()}
        log.info("work goes on, the server answers again", extra=extra)


# Of many that fail together only the first counts: the others were under way before anybody knew.
_TRIP = text(
    """
    INSERT INTO work.breaker AS b (dependency, since, failures, retry_at, ramp, code, last_error)
    VALUES (:dependency, clock_timestamp(), 1, clock_timestamp() + make_interval(secs => :first_s), 1, :code, :error)
    ON CONFLICT (dependency) DO UPDATE SET
        failures = b.failures + CASE WHEN {is_over} THEN 1 ELSE 0 END,
        retry_at = CASE WHEN {is_over}
            THEN clock_timestamp()
                + make_interval(secs => least(:at_most_s, :first_s * power(2, least(b.failures, 20))))
            ELSE b.retry_at END,
        ramp = 1, code = :code, last_error = :error
    RETURNING retry_at, (xmax = 0) AS is_new
""".replace("{is_over}", IS_OVER.format("b.retry_at"))
)

_RAMP = text(
    """
    UPDATE work.breaker SET ramp = ramp * 2 WHERE dependency = :dependency AND {is_over}
""".replace("{is_over}", IS_OVER.format("retry_at"))
)

_OVER = text("DELETE FROM work.breaker WHERE dependency = :dependency AND ramp >= :ramp RETURNING since")
