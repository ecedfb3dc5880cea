"""The roles as they are deployed: each waits for its servers, and runs until told to stop."""

import logging
import os
import threading
from collections.abc import Callable, Mapping

from sqlalchemy import Engine

from events.kafka_log import KafkaLog
from events.log import Log
from events.topics import MACHINES
from projectors.follower import Follower
from service.children import keep_children
from service.halting import halting_follower, while_not_halted
from service.leadership import lead
from service.version import software_version
from service.waiting import await_servers, await_topics, keep_trying
from service.wiring import Wiring

__all__ = [
    "PARTS",
    "ROLES",
    "run_all",
    "run_consumers",
    "run_decider",
    "run_projector",
    "run_timers",
    "run_worker",
]

log = logging.getLogger(__name__)

Run = Callable[[Wiring, threading.Event], None]

_STUCK_EXIT = 75
_WORKERS_SESSIONS = 16
"""Of one worker at most: its threads need one for moments only, and what they report goes together."""

_SHOWN_S = 0.3
"""How long records are gathered for the views while several come at a time and the cores are busy; one alone is shown
at once, and where the cores have time to spare the wait is short. A batch costs some 10 ms, however few its rows."""

_IDLE_S = 5.0
"""Of a role's session inside a transaction; as long as a lease lasts without a heartbeat."""


class PartDiedError(RuntimeError):
    """A part of a role ended with an error; the role ends too."""


def run_decider(wiring: Wiring, stop: threading.Event) -> None:
    """Decide for all machines, as far as leases go."""
    from service.decider.process import Decider

    settings = wiring.settings
    engine = _engine(wiring)  # each partition's owner keeps a session of its own beside the pool
    logs = KafkaLog(wiring.endpoints.kafka, client_id=wiring.name, on_stuck=_exit_hard, stop=stop)

    def decide() -> None:
        decider = keep_trying(
            "kafka and postgresql",
            lambda: Decider(logs=logs, engine=engine, topics=wiring.topics, partitions=settings.partitions),
            stop,
        )
        if decider is not None:
            decider.run(stop)

    if await_servers(wiring, engine=engine, stop=stop):
        while_not_halted(engine, "decider", decide, stop)
    logs.close()


def run_projector(wiring: Wiring, stop: threading.Event) -> None:
    """Keep what people query up to date, and what stands beside it to take its place."""
    from projectors.positions import position
    from projectors.projector import AT_ONCE, Projector
    from projectors.rebuild_feed import Feeding

    def project(logs: Log, engine: Engine) -> None:
        follower = Follower(
            log=logs, topics=wiring.topics, engine=engine, name="projector", machines=MACHINES, apply=Projector(),
            positions_table=position, batch=AT_ONCE, apart_s=_SHOWN_S,
        )  # fmt: skip
        done = threading.Event()
        feeding = threading.Thread(
            target=Feeding(log=logs, topics=wiring.topics, engine=engine).run, args=(done,), name="standby"
        )
        feeding.start()
        try:
            follower.run(stop)
        finally:
            done.set()
            feeding.join()
            follower.close()

    _follow(wiring, "projector", project, stop, deep=True)


def run_dispatch(wiring: Wiring, stop: threading.Event) -> None:
    """Note what facts oblige us to do."""
    from consumers import parts

    def dispatch(logs: Log, engine: Engine) -> None:
        parts.run_dispatch(log=logs, topics=wiring.topics, engine=engine, stop=stop)

    _follow(wiring, "dispatch", dispatch, stop)


def run_worker(wiring: Wiring, stop: threading.Event) -> None:
    """Read, check, copy, register, answer: one process of workers."""
    from consumers import parts
    from consumers.child import Inspector, Limits
    from consumers.formats import FORMATS
    from consumers.kept_copies import KeptCopies
    from consumers.throttle import Bounds
    from consumers.worker import Pace

    pace, settings = Pace(), wiring.settings
    bounds = Bounds(
        catch_up_share=settings.disk_live_only_percent / 100, full_share=settings.disk_full_percent / 100
    )
    logs, engine = wiring.log(stop=stop), _engine(wiring, pool_size=_WORKERS_SESSIONS)
    staging = settings.data / "staging"
    staging.mkdir(parents=True, exist_ok=True)
    kept = KeptCopies(
        staging, at_most_bytes=int(settings.staging_gib * 1024**3), age_s=settings.staging_hours * 3600
    )
    with Inspector(tuple(FORMATS), Limits.of_seconds(settings.reader_s)) as inspector:
        if await_servers(wiring, engine=engine, stop=stop):
            parts.run_workers(
                log=logs, topics=wiring.topics, engine=engine, storage=wiring.storage(), inspector=inspector,
                bucket=wiring.bucket, staging_dir=staging, software_version=software_version(), stop=stop, pace=pace,
                globus=wiring.globus(), bounds=bounds, kept=kept,
            )  # fmt: skip
    logs.close()


def run_intake(wiring: Wiring, stop: threading.Event) -> None:
    """Take in what senders say: a child process with Faust."""
    from consumers.intake_process import IntakeSettings
    from consumers.intake_process import run_intake as run

    settings = IntakeSettings(
        bootstrap=wiring.endpoints.kafka,
        database_url=wiring.endpoints.database,
        site=wiring.settings.site,
        data_dir=str(wiring.settings.data),
        log_level="WARNING" if wiring.settings.log_level == "info" else wiring.settings.log_level.upper(),
    )
    if await_servers(wiring, engine=wiring.engine(pool_size=1), stop=stop):
        run(settings, stop)


def run_folders(wiring: Wiring, stop: threading.Event) -> None:
    """Announce what arrives in watched folders."""
    from consumers.folder import run_folders as run
    from projectors.stream_rules import LiveRules

    logs, engine = wiring.log(stop=stop), _engine(wiring, pool_size=2)
    if await_servers(wiring, engine=engine, stop=stop):
        rules = LiveRules(engine)
        threading.Thread(target=rules.follow, args=(stop,), name="rules", daemon=True).start()
        run(kafka=logs, topics=wiring.topics, rules=rules, data_dir=wiring.settings.data, stop=stop)


def run_reconciler(wiring: Wiring, stop: threading.Event) -> None:
    """Look for what was lost."""
    from consumers import parts

    logs, engine = wiring.log(stop=stop), _engine(wiring, pool_size=2)
    if await_servers(wiring, engine=engine, stop=stop):
        parts.run_reconciler(log=logs, topics=wiring.topics, engine=engine, stop=stop)


def run_timers(wiring: Wiring, stop: threading.Event) -> None:
    """Send what deadlines ask for, while no other process does."""
    from consumers import parts

    logs, engine = wiring.log(stop=stop), _engine(wiring, pool_size=2)
    lost = threading.Event()

    def send() -> None:
        parts.run_timers(log=logs, topics=wiring.topics, engine=engine, stop=stop, lost=lost)

    if await_servers(wiring, engine=engine, stop=stop):
        lead(engine, f"{wiring.settings.site}.timers", stop, send, lost=lost)


def run_consumers(wiring: Wiring, stop: threading.Event) -> None:
    """Everything that acts: intake and workers in processes of their own, the rest as threads beside them."""
    if not await_servers(wiring, engine=wiring.engine(pool_size=1), stop=stop):
        return
    died: list[str] = []
    threads = [
        threading.Thread(target=_to_the_end, args=(run, wiring, stop, died), name=run.__name__)
        for run in (run_dispatch, run_intake, run_folders, run_reconciler)
    ]
    for thread in threads:
        thread.start()
    try:
        keep_children(["worker"] * wiring.settings.workers, wiring, stop)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if died:
        raise PartDiedError(
            f"{', '.join(died)} died, see the log before; started again it goes on where it was"
        )


def run_all(wiring: Wiring, stop: threading.Event) -> None:
    """Every role as a child of its own."""
    if not await_servers(wiring, engine=wiring.engine(pool_size=1), stop=stop):
        return
    keep_children(ROLES, wiring, stop)


def _to_the_end(run: Run, wiring: Wiring, stop: threading.Event, died: list[str]) -> None:
    """A part that dies takes the whole process with it, so that it is started anew and nothing stands still unseen."""
    name = run.__name__.removeprefix("run_")
    try:
        run(wiring, stop)
    except Exception:
        log.exception("part died", extra={"part": name})
        died.append(name)
        stop.set()


def _follow(
    wiring: Wiring,
    name: str,
    follow: Callable[[Log, Engine], None],
    stop: threading.Event,
    *,
    deep: bool = False,
) -> None:
    """Follow the ledger as ``name``, while no other process of that name does."""
    logs, engine = wiring.log(stop=stop, deep=deep), _engine(wiring)
    names = [wiring.topics.events(machine) for machine in MACHINES]
    if await_servers(wiring, engine=engine, stop=stop) and await_topics(logs=logs, names=names, stop=stop):
        work = halting_follower(engine, name, lambda: follow(logs, engine), stop)
        lead(engine, f"{wiring.settings.site}.{name}", stop, work)
    logs.close()
    engine.dispose()


def _engine(wiring: Wiring, *, pool_size: int = 5) -> Engine:
    """For a role: when its process freezes in mid-transaction, its successor need not wait for it to thaw."""
    return wiring.engine(pool_size=pool_size, idle_in_transaction_s=_IDLE_S)


def _exit_hard(what: str) -> None:
    """A commit hangs: only a new process can find out what became of it."""
    log.critical("commit hangs, leaving", extra={"what": what})
    os._exit(_STUCK_EXIT)


ROLES: Mapping[str, Run] = {
    "decider": run_decider,
    "projector": run_projector,
    "consumers": run_consumers,
    "timers": run_timers,
}
"""What is run on a site, in the order of the way of one fact."""

PARTS: Mapping[str, Run] = {"worker": run_worker}
"""What is run by roles."""
