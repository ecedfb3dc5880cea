"""Waiting for servers that are not there yet: tried again and again, said once."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from events.log import Log, LogError
from service.decider.halts import StoreUnavailableError
from service.installation import await_cluster, claim
from service.wiring import Wiring

__all__ = ["await_servers", "await_topics", "keep_trying"]

log = logging.getLogger(__name__)

AGAIN_S = 0.5
PATIENCE_S = 1.0
"""Of one look for Kafka: whoever is told to stop must not sit in a longer one."""

Result = TypeVar("Result")


class _NotYetError(Exception):
    """Something answers, but is not ready for us."""


_LATER = (LogError, StoreUnavailableError, SQLAlchemyError, _NotYetError)
"""What goes away by waiting."""


def await_servers(wiring: Wiring, *, engine: Engine, stop: threading.Event) -> bool:
    """Return once Kafka answers and the database has our tables; False: told to stop before.

    Raises WrongSiteError where the database is another site's; on another cluster than the site's it waits.
    """
    probe = wiring.log(patience_s=PATIENCE_S)
    try:
        cluster_id = keep_trying("kafka", probe.cluster_id, stop)
        keep_trying("postgresql", lambda: _check_tables(engine), stop)
        if cluster_id is not None and not stop.is_set():
            site = wiring.settings.site
            keep_trying("postgresql", lambda: claim(engine, site=site, cluster_id=cluster_id), stop)
            keep_trying("postgresql", lambda: await_cluster(engine, probe.cluster_id, stop), stop)
    finally:
        probe.close()
    return not stop.is_set()


def await_topics(*, logs: Log, names: Sequence[str], stop: threading.Event) -> bool:
    """Return once all these topics are there: the decider makes them; False: told to stop before."""
    keep_trying("the topics of the ledger", lambda: _check_topics(logs, names), stop)
    return not stop.is_set()


def keep_trying(what: str, step: Callable[[], Result], stop: threading.Event) -> Result | None:
    """The result of ``step`` once it succeeds; None: told to stop before. What is waited for is said once."""
    told = False
    while not stop.is_set():
        try:
            result = step()
        except _LATER as error:
            if not told:
                reason = str(getattr(error, "orig", None) or error).strip()
                log.warning("waiting", extra={"for": what, "reason": " ".join(reason.split())[:500]})
                told = True
            stop.wait(AGAIN_S)
            continue
        if told:
            log.info("is there now", extra={"waited_for": what})
        return result
    return None


def _check_topics(logs: Log, names: Sequence[str]) -> None:
    missing = set(names) - logs.topic_ids(names).keys()
    if missing:
        raise _NotYetError(f"{', '.join(sorted(missing))} is not there yet; the decider makes it")


def _check_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        if connection.scalar(text("SELECT to_regclass('decider.installation')")) is None:
            raise _NotYetError("the database has no tables of meridian yet; meridian up makes them")
