"""Intake as a process of its own: a child with the Faust application, and the watch that keeps it alive."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from consumers.door import Door
from consumers.intake import sender_of, take
from consumers.intake_watch import ProgressWatch, group_of
from consumers.json_lines import JsonLines, log_what_escapes
from consumers.patience import PatientDoor
from events import failpoints
from events.clock import now
from events.kafka_log import KafkaLog
from events.log import Log, LogError, Writer
from events.parentage import stop_with_parent
from events.topic_specs import sender_specs, topic_specs
from events.topics import Topics
from projectors.database import make_engine
from projectors.stream_rules import LiveRules

__all__ = ["IntakeSettings", "run_intake"]

log = logging.getLogger(__name__)

STOP_S = 6.0
"""How long the child may take to stop; then it is killed. What it held is read again."""

_LOOK_S = 1.0
_RESTART_S = (0.2, 1.0, 5.0)
# What they say of a server that is away, each in its own way and ten times a second, is said once by us.
_TALKATIVE = ("kafka", "aiokafka", "faust", "mode", "sqlalchemy")
_PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """What the child needs to know."""

    bootstrap: str
    database_url: str
    site: str
    data_dir: str
    log_level: str = "WARNING"


def run_intake(settings: IntakeSettings, stop: threading.Event) -> None:
    """Keep a child with the Faust application running until ``stop``; returns when it has ended."""
    failures = 0
    while not stop.is_set():
        began = time.monotonic()
        child = _start(settings)
        try:
            while child.poll() is None and not stop.wait(0.2):
                pass
        finally:
            _end(child)
        if stop.is_set():
            return
        failures = 0 if time.monotonic() - began > 60 else failures + 1
        pause = _RESTART_S[min(failures, len(_RESTART_S) - 1)]
        log.error("intake ended by itself, started again", extra={"exit": child.returncode, "pause_s": pause})
        stop.wait(pause)


def _start(settings: IntakeSettings) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    child = subprocess.Popen(
        [sys.executable, "-m", "consumers.intake_process"],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    # Through the pipe, not the command line: the database's address may hold a password. The pipe stays open, and
    # its end tells the child that the parent is gone.
    pipe = child.stdin
    if pipe is not None:
        with contextlib.suppress(BrokenPipeError):  # it died at once; the loop above sees that
            pipe.write(json.dumps(asdict(settings)).encode() + b"\n")
            pipe.flush()
    return child


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            log.warning("intake did not stop in time, killed", extra={"pid": child.pid, "limit_s": STOP_S})
            child.kill()
    child.wait()
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # what it did not read is of no use to anyone
            child.stdin.close()


# --- the child


class _Child:
    """The Faust application with what it needs, started anew whenever other inboxes exist."""

    def __init__(self, settings: IntakeSettings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._topics = Topics(settings.site)
        self._inboxes: tuple[str, ...] = ()
        self._ensured: set[str] = set()
        engine = make_engine(settings.database_url, "meridian-intake", statement_timeout_s=10.0, pool_size=2)
        self._rules = LiveRules(engine)
        self._kafka = KafkaLog(settings.bootstrap, client_id="meridian-intake", stop=stop)
        self._door = PatientDoor(open_writer=self._kafka.writer, open_door=self._open_door, stop=stop)

    def _open_door(self, writer: Writer) -> Door:
        return Door(writer=writer, topics=self._topics, rules=self._rules, take=take, clock=now)

    def run(self) -> None:
        """Until told to stop."""
        threading.Thread(target=self._rules.follow, args=(self._stop,), name="rules", daemon=True).start()
        threading.Thread(target=self._look, args=(self._kafka,), name="inboxes", daemon=True).start()
        while not self._stop.is_set():
            if self._inboxes:
                self._serve(self._inboxes)
            else:
                self._stop.wait(0.1)
        self._door.close()
        self._kafka.close()

    def _serve(self, inboxes: Sequence[str]) -> None:
        from consumers.intake_app import make_app, serve  # Faust takes most of a second to import

        data_dir = Path(self._settings.data_dir) / "faust"
        data_dir.mkdir(parents=True, exist_ok=True)
        app = make_app(
            bootstrap=self._settings.bootstrap,
            site=self._settings.site,
            inboxes=inboxes,
            data_dir=data_dir,
            handle=self._door.handle,
        )

        def ended() -> bool:
            return self._stop.is_set() or self._inboxes != inboxes

        try:
            asyncio.run(serve(app, ended, abandon=self._abandon))
        except Exception:  # Faust crashed; nothing was let go that was not written, so begin again
            log.exception("faust failed, started again")
            self._stop.wait(1.0)

    def _abandon(self) -> None:
        """Nothing of what is under way was let go of; whoever begins next reads it again."""
        log.info("intake leaves a batch unwritten; it is read again")
        os._exit(0 if self._stop.is_set() else 1)

    def _look(self, kafka: Log) -> None:
        """Which inboxes there are, and whether they are read; topics that go with them are made where missing."""
        watch = ProgressWatch(kafka, group_of(self._settings.site))
        is_away = False
        while not self._stop.is_set():
            try:
                self._look_once(kafka, watch)
                is_away = False
            except LogError as error:
                if not is_away:
                    log.warning("inboxes not listed", extra={"error": str(error)})
                is_away = True
            except Exception:  # without this thread, nobody would see new inboxes or that intake stands still
                log.exception("inboxes can't be watched, left to be started anew")
                os._exit(1)
            self._stop.wait(_LOOK_S)

    def _look_once(self, kafka: Log, watch: ProgressWatch) -> None:
        inboxes = tuple(name for name in kafka.names() if name.startswith(self._topics.inbox_prefix))
        if not self._ensured.issuperset(inboxes):
            self._ensure(kafka, inboxes)
            self._ensured.update(inboxes)
        self._inboxes = inboxes
        stalled = watch.stalled(inboxes, now=time.monotonic())
        if stalled is not None and not self._door.is_waiting:
            log.error("intake stands still, left to be started anew", extra={"place": stalled})
            os._exit(1)

    def _ensure(self, kafka: Log, inboxes: Sequence[str]) -> None:
        specs = topic_specs(self._topics, {}, ())
        for inbox in inboxes:
            specs.extend(sender_specs(self._topics, sender_of(inbox)))
        kafka.ensure(specs)


def _main() -> None:
    """The child: settings come on the first line of standard input; its end means that the parent is gone."""
    settings = IntakeSettings(**json.loads(sys.stdin.readline()))
    _set_up_logging(settings.log_level)
    failpoints.arm_from(os.environ)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it goes to the parent too, which tells us
    stop_with_parent(stop)
    threading.Thread(target=_leave_in_time, args=(stop,), name="leave", daemon=True).start()
    _Child(settings, stop).run()


def _leave_in_time(stop: threading.Event) -> None:
    """The last resort, where even the loop stands still; a parent that is gone kills nobody."""
    stop.wait()
    time.sleep(STOP_S - 1)
    log.warning("intake did not stop in time, left", extra={"limit_s": STOP_S - 1})
    os._exit(1)


def _set_up_logging(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines("intake"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    log_what_escapes()
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)


if __name__ == "__main__":
    _main()
