"""Programs of faults that Hypothesis makes up: what is asked, who runs how far, who dies where, what goes wrong."""

import hashlib
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from events.ids import partition_of
from events.types import format_time
from service.decider.halts import Halt
from tests.simulation.faults import Faults
from tests.simulation.laws import LawBrokenError, Laws
from tests.simulation.model import Model
from tests.simulation.reports import report
from tests.simulation.site import CONTENTS, PARTITIONS, Site

__all__ = [
    "COUNTED", "COURSES", "DecidersToldToStop", "DecidersUnderFire", "Program", "SiteUnderFire", "ViewsUnderFire",
]  # fmt: skip

SUBJECTS = ("roman/f1", "roman/f2", "roman/f3")
CALLS = (1, 2, 3, 4, 6, 9, 14, 25, 60, 1000)
PROCESSES_AT_MOST = 14
ROUNDS_AT_MOST = 80

COUNTED = {"programs": 0, "steps": 0, "calls": 0, "records": 0}
"""How much was tried in this process, for the report."""

COURSES: list[str] = []
"""Of each program: a digest of who made which port call in which order, and of what came of it."""

WORDS = ("note", "hold", "unhold", "retry", "dismiss", "reopen", "reprocess", "redrive")
REPORTS_IN = {
    "QUEUED": ("start",),
    "PROCESSING": ("validated", "validated", "reject", "fail"),
    "TRANSFERRING": ("transferred", "transferred", "fail"),
    "TRANSFERRED": ("registered", "fail"),
}

subjects = st.sampled_from(SUBJECTS)
small = st.integers(0, 1 << 16)


@cache
def landing() -> Path:
    """A folder with every content of every file, made once."""
    folder = Path(tempfile.mkdtemp(prefix="simulated-landing-"))
    for subject in SUBJECTS:
        for name, body in CONTENTS.items():
            if name != "gone":
                path = folder / f"{subject.partition('/')[2]}-{name}.fits"
                path.write_bytes(b"not what was said" if name == "bad" else body)
    return folder


class Program(RuleBasedStateMachine):
    """Five rules: something is asked, comes again, somebody goes on, starts or dies, something goes wrong."""

    kinds: tuple[str, ...] = ("decider",)
    contents: tuple[str, ...] = ("a", "b", "c")
    has_reports = True

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(landing())
        self.laws = Laws(self.site)
        self.faults = Faults(self.site, self.laws)
        self.sent: list[bytes] = []
        self.is_broken = False

    @initialize(dead=st.sets(st.integers(0, 9)))
    def processes_start(self, dead: set[int]) -> None:
        """One of each kind, two deciders a partition; some are not there at first."""
        wanted = [(kind, partition) for kind in self.kinds for partition in (0, 1)]
        for number, (kind, partition) in enumerate(wanted):
            if number not in dead:
                self.site.start(kind, partition)

    # --- requests ---

    @rule(subject=subjects, choice=small, sequence=st.sampled_from([None, None, None, None, 0, "last"]))
    def somebody_asks(self, subject: str, choice: int, sequence: Any) -> None:
        how, choice = choice % 4, choice // 4
        if how == 3:
            self._operate(subject, choice, sequence)
        elif how and self.has_reports:
            self._report(subject, choice)
        else:
            self._announce(subject, choice, sequence)

    @rule(index=small, change=st.sampled_from([None, None, "actor", "arrive again"]))
    def a_request_comes_again(self, index: int, change: str | None) -> None:
        """The same bytes; or the same id with other content."""
        if not self.sent:
            return
        request = orjson.loads(self.sent[index % len(self.sent)])
        if change == "actor":
            request["actor"] = "somebody else"
        elif change == "arrive again" and request["type"] == "file.arrive":
            request["data"] |= {"witness": "inbox.soc/9/9", "stream_version": 2}
        request["time"] = format_time(self.site.clock.now)
        self.site.put(orjson.dumps(request), request["subject"])
        self._look()

    def _announce(self, subject: str, choice: int, sequence: Any) -> None:
        content = self.site.content(subject, self.contents[choice % len(self.contents)])
        witness = f"inbox.soc/0/{choice % 5 if choice & 64 else 100 + self.site.asked}"
        self._ask(
            "file.arrive",
            subject,
            {"content": content, "witness": witness, "stream_version": 1},
            expectedsequence=self._sequence(subject, sequence),
            correlationid=f"e{self.site.asked}",
        )

    def _operate(self, subject: str, choice: int, sequence: Any) -> None:
        word = WORDS[choice % len(WORDS)]
        data = {"text": "looked at"} if word == "note" else {}
        more = {} if choice % 5 == 0 else {"reason": "because"}
        self._ask(f"file.{word}", subject, data, expectedsequence=self._sequence(subject, sequence), **more)

    def _report(self, subject: str, choice: int) -> None:
        """A report as workers send it: mostly a right one, or of another attempt, or of none."""
        newest = self._model(subject).newest(subject)
        if newest is None:
            return
        words = REPORTS_IN.get(newest["state"], ("start", "registered", "fail"))
        wrong = {0: 1, 1: None}.get(choice % 11, 0)
        attempt = None if wrong is None else newest["attempt"] + wrong
        word = words[choice % len(words)]
        self._ask(
            f"file.{word}", subject, report(word, newest, choice), version=newest["number"], attempt=attempt
        )

    def _ask(self, request: str, subject: str, data: dict[str, Any], **more: Any) -> None:
        self.sent.append(self.site.ask(request, subject, data, **more))
        self._look()

    def _model(self, subject: str) -> Model:
        return self.laws.partitions[partition_of(subject, PARTITIONS["file"])].model

    def _sequence(self, subject: str, asked: Any) -> Any:
        if asked != "last":
            return asked
        return int(self._model(subject).files.get(subject, {}).get("fact", 0))

    # --- processes ---

    @rule(choice=small, calls=st.sampled_from(CALLS))
    def one_goes_on(self, choice: int, calls: int) -> None:
        """So many port calls, and there it stands: it may be killed there, or be a zombie when it goes on."""
        tasks = self.site.tasks()
        if tasks:
            self.site.scheduler.proceed(tasks[choice % len(tasks)], calls)
        self._look()

    @rule(rounds=st.integers(1, 3))
    def all_go_on(self, rounds: int) -> None:
        for _ in range(rounds):
            for task in self.site.tasks():
                self.site.scheduler.proceed(task, 200)
        self._look()

    @rule(choice=small, partition=st.integers(0, 1), is_birth=st.booleans())
    def one_starts_or_dies(self, choice: int, partition: int, is_birth: bool) -> None:
        living = [process for process in self.site.processes if not process.is_over]
        if is_birth and len(living) < PROCESSES_AT_MOST:
            self.site.start(self.kinds[choice % len(self.kinds)], partition)
        elif living:
            self.site.kill(living[choice % len(living)])

    # --- what goes wrong ---

    @rule(what=small, where=small)
    def something_goes_wrong(self, what: int, where: int) -> None:
        faults = self.faults.of(self.kinds)
        faults[what % len(faults)](where)
        self._look()

    # --- the laws ---

    def _look(self) -> None:
        COUNTED["steps"] += 1
        try:
            self.laws.hold()
        except BaseException:
            self.is_broken = True
            raise

    def teardown(self) -> None:
        try:
            if not self.is_broken:
                self._come_to_rest()
                self.laws.hold_at_rest(self.kinds)
        finally:
            self.site.end()
            COURSES.append(self._course())
            COUNTED["programs"] += 1
            COUNTED["calls"] += len(self.site.scheduler.trace)
            COUNTED["records"] += sum(len(each.records) for each in self.laws.partitions)

    def _course(self) -> str:
        records = [
            (record.type, record.subject, record.sequence, record.id, record.time, record.ownerepoch)
            for partition in self.laws.partitions
            for record, _ in partition.records
        ]
        return hashlib.sha256(repr((self.site.scheduler.trace, records)).encode()).hexdigest()

    def _come_to_rest(self) -> None:
        """Nothing fails any more; whoever stands goes on, zombies included, and every part has a fresh process."""
        self.faults.mend()
        for subject in SUBJECTS:  # so that what is kept of each of them is used
            self._ask("file.note", subject, {"text": "the end"})
        for kind in self.kinds:
            for partition in (0, 1) if kind == "decider" else (0,):
                self.site.start(kind, partition)
        quiet = 0
        for _ in range(ROUNDS_AT_MOST):
            before = self.site.standing()
            for task in self.site.tasks():
                self.site.scheduler.proceed(task, 100_000)
            self._look()
            self._recover()
            quiet = quiet + 1 if self.site.standing() == before else 0
            if quiet == 3:
                return
            self.site.clock.now += timedelta(minutes=35)
        raise LawBrokenError(0, f"no rest within {ROUNDS_AT_MOST} rounds: {self.site.standing()}")

    def _recover(self) -> None:
        """An operator leads on from a halt, as ``meridian recover`` does; a partition without an owner is given one."""
        for process in list(self.site.processes):
            error = process.tasks[0].error
            if isinstance(error, Halt):
                if error.code == "SNAPSHOT_AHEAD":
                    self.site.tables["file"].recover(process.partition or 0)
                self.site.processes.remove(process)
        owned = {
            each.partition for each in self.site.processes if each.kind == "decider" and not each.is_over
        }
        for partition in {0, 1} - owned:
            self.site.start("decider", partition)


class DecidersUnderFire(Program):
    """Laws 1 and 2: deciders only, and reports as if workers sent them."""


class DecidersToldToStop(DecidersUnderFire):
    """The same, and leases change hands: a decider is told to stop wherever it stands."""

    @rule(choice=small, calls=st.sampled_from(CALLS))
    def one_goes_on_and_is_told_to_stop(self, choice: int, calls: int) -> None:
        """After so many port calls; it leaves by itself, or with what goes wrong meanwhile."""
        seated = [each for each in self.site.processes if each.stop is not None and not each.is_over]
        if seated:
            process = seated[choice % len(seated)]
            self.site.scheduler.proceed(process.tasks[0], calls)
            assert process.stop is not None
            process.stop.set()
            self.site.scheduler.proceed(process.tasks[0], 1000)
        self._look()


class ViewsUnderFire(Program):
    """Laws 3 and 4: deciders and projectors."""

    kinds = ("decider", "projector")


class SiteUnderFire(Program):
    """All laws: the whole site, with files, an archive, workers and deadlines."""

    kinds = ("decider", "projector", "dispatch", "worker", "timers")
    contents = ("a", "b", "c", "bad", "gone")
    has_reports = False
