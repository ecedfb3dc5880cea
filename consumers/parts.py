"""The parts of the role ``consumers`` and the timers, each run with plain arguments until told to stop."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import Engine

from consumers.abandoned_staging import AbandonedStaging
from consumers.arrivals import ArrivalsSeen
from consumers.decisions import Decisions
from consumers.dispatch import FOLLOWER, apply
from consumers.gatekeeper import Gatekeeper
from consumers.homes import Homes
from consumers.housekeeping import Housekeeping
from consumers.inbox_again import InboxAgain, rules_now
from consumers.kept_copies import KeptCopies
from consumers.outage import OUTAGES, in_words
from consumers.readings import Readings
from consumers.reconciler import Patience, Reconciler
from consumers.sender import Sender
from consumers.silence import SilenceWatch
from consumers.storage import Storage
from consumers.throttle import Bounds
from consumers.timers import Timers
from consumers.tools import Configurations, Inspects, Tools
from consumers.work_items import position
from consumers.worker import Pace, Worker
from events.clock import now
from events.log import Log, LogError
from events.topics import MACHINES, Topics
from projectors.follower import Follower
from projectors.outcome import Outcomes

if TYPE_CHECKING:
    from globus_sdk import TransferClient

__all__ = ["run_dispatch", "run_reconciler", "run_timers", "run_workers", "worker_name"]

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

_AWAY: tuple[type[Exception], ...] = (LogError, *OUTAGES)
_THOROUGH_EVERY = 20
_LOOKED_APART_S = 0.02


def worker_name() -> str:
    """Host, process and a random word: no two workers ever have the same."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"


def run_dispatch(
    *,
    log: Log,
    topics: Topics,
    engine: Engine,
    stop: threading.Event,
    batch: int = 2000,
    poll_s: float = 0.25,
    gathered_s: float = 0.2,
) -> None:
    """Follow the ledger and write what it obliges us to do. Raises FollowerError; outages are waited out."""
    follower = Follower(
        log=log,
        topics=topics,
        engine=engine,
        name=FOLLOWER,
        machines=MACHINES,
        apply=apply,
        positions_table=position,
        batch=batch,
        apart_s=gathered_s,
    )
    ended = threading.Event()
    keeper = Gatekeeper(log=log, topics=topics, engine=engine)
    # Before the first batch: what is far behind must not be worked on before it is known what has become of it.
    keeper.look(stop)
    watch = threading.Thread(target=keeper.watch, args=(stop, ended), name="dispatch-gate", daemon=True)
    watch.start()
    try:
        follower.run(stop, poll_s=poll_s)
    finally:
        ended.set()
        follower.close()


def run_workers(  # noqa: PLR0913 - plain arguments, each by name
    *,
    log: Log,
    topics: Topics,
    engine: Engine,
    storage: Storage,
    inspector: Inspects,
    bucket: str,
    staging_dir: Path,
    software_version: str,
    stop: threading.Event,
    pace: Pace | None = None,
    readings: Readings | None = None,
    bounds: Bounds | None = None,
    kept: KeptCopies | None = None,
    clock: Clock = now,
    name: str | None = None,
    globus: "TransferClient | None" = None,
) -> None:
    """Work until told to stop, then hand back what is under way, within ``pace.grace_s``.

    ``readings`` says what the machine can bear, the machine itself if left out; ``bounds`` from where on less is
    begun; ``kept`` which fetched copies are kept, and for how long.
    ``engine`` needs a dozen connections; ``inspector`` the formats of the site's streams.
    """
    sender, outcomes = Sender(log.writer), Outcomes(engine, site=topics.site)
    tools = Tools(
        engine=engine,
        log=log,
        topics=topics,
        sender=sender,
        storage=storage,
        inspector=inspector,
        outcomes=outcomes,
        configurations=Configurations(engine),
        homes=Homes(engine),
        arrivals=ArrivalsSeen(engine),
        clock=clock,
        bucket=bucket,
        staging_dir=staging_dir,
        host=socket.gethostname(),
        worker=name or worker_name(),
        software_version=software_version,
        kept=kept or KeptCopies(staging_dir),
        globus=globus,
        decisions=Decisions(outcomes, gathered_s=_LOOKED_APART_S),
    )
    try:
        Worker(tools, pace, readings, bounds).run(stop)
    finally:
        sender.close()


def run_timers(
    *,
    log: Log,
    topics: Topics,
    engine: Engine,
    stop: threading.Event,
    lost: threading.Event | None = None,
    clock: Clock = now,
) -> None:
    """Send what deadlines ask for, until told to stop or until another process does: that is told by ``lost``."""
    sender = Sender(log.writer)
    try:
        timers = Timers(engine=engine, sender=sender, topics=topics, clock=clock, source=worker_name())
        timers.run(stop, lost)
    finally:
        sender.close()


def run_reconciler(
    *,
    log: Log,
    topics: Topics,
    engine: Engine,
    stop: threading.Event,
    every_s: float = 15.0,
    patience: Patience | None = None,
    clock: Clock = now,
) -> None:
    """Look for what was lost, again and again; outages are waited out."""
    sender = Sender(log.writer)
    reconciler = Reconciler(
        engine=engine,
        sender=sender,
        outcomes=Outcomes(engine, site=topics.site),
        topics=topics,
        clock=clock,
        source=worker_name(),
        patience=patience,
    )
    housekeeping = Housekeeping(
        engine=engine, sender=sender, topics=topics, clock=clock, source=worker_name()
    )
    abandoned = AbandonedStaging(log=log, topics=topics, engine=engine, clock=clock)
    silence = SilenceWatch(engine=engine, sender=sender, topics=topics, clock=clock, source=worker_name())
    inboxes = InboxAgain(
        log=log,
        topics=topics,
        outcomes=Outcomes(engine, site=topics.site),
        rules=rules_now(engine),
        clock=clock,
    )
    rounds = 0
    told = False
    while not stop.is_set():
        try:
            is_thorough = rounds % _THOROUGH_EVERY == 0
            reconciler.run_once(thorough=is_thorough)
            silence.run_once()
            inboxes.run_once()
            if is_thorough:
                housekeeping.run_once()
                abandoned.run_once()
            rounds, told = rounds + 1, False
        except _AWAY as error:
            if not told:
                logging.getLogger(__name__).warning(
                    "reconciler waits for a server", extra={"error": in_words(error)}
                )
                told = True
        except Exception:  # one look less is no reason to stop the workers beside it
            logging.getLogger(__name__).exception("reconciler failed, looks again")
        stop.wait(every_s)
    sender.close()
