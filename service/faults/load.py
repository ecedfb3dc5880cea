"""The steady load of a run: requests and files without end, each acknowledged one written down for the auditor."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

from consumers.drafts import STRUCTURED
from events.ids import partition_of
from events.log import Headers, LogError, LogUnavailableError, Sent, Writer
from events.topics import Topics
from service.audit.expected import Expected, ExpectedLine, Hostile, Inbox, Request, State
from service.faults.lives import Lives
from service.faults.program_life import BESIDE_THE_ATTEMPT
from service.faults.programs_under_way import ProgramsUnderWay, Telling, Word
from service.faults.real_files import SENDER, RealFiles
from service.wiring import Wiring

__all__ = ["Load", "Out", "Progress", "Rates"]

log = logging.getLogger(__name__)

_TICK_S = 0.1
_ANSWER_S = 10.0
_REPEATED = 0.05


@dataclass(slots=True)
class Progress:
    """What was sent and acknowledged so far; written by the load, read by the watch."""

    acknowledged: dict[int, int] = field(default_factory=dict)
    """The last offset of the file machine's requests, by partition."""
    files: list[str] = field(default_factory=list)
    """Subjects of the announced files, in order."""
    others: list[str] = field(default_factory=list)
    """Subjects of files that cells have announced beside the load, in order."""
    requests: int = 0
    programs: Mapping[str, str] = field(default_factory=dict)
    """Of the observing programs under way: where each has to come to by all that is acknowledged of it."""

    @property
    def announced(self) -> int:
        """How many files."""
        return len(self.files)


@dataclass(frozen=True, slots=True)
class Rates:
    """How much a second, steadily; ``requests_at_most``: as many of files in all, None: without end.

    ``programs``: observing programs that begin a second, each a life of some ten requests.
    """

    requests: float = 15.0
    files: float = 1.0
    programs: float = 0.1
    requests_at_most: int | None = None


class Out(NamedTuple):
    """A record to be sent until it is acknowledged; ``note`` makes of its place what to write down."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    note: Callable[[str, int, int], list[ExpectedLine]]


class Load:
    """Sends in a thread of its own. What is not acknowledged is sent again with the same id, until it is."""

    def __init__(
        self,
        wiring: Wiring,
        *,
        landing: Path,
        products: Path,
        expected: Path,
        seed: int,
        standing: Callable[[], Mapping[str, str]] = dict,
        rates: Rates | None = None,
    ) -> None:
        """``standing``: where the observing programs under way stand, as somebody has looked it up."""
        self._programs = ProgramsUnderWay(products, seed=seed)
        self._standing = standing
        self.progress = Progress(programs=self._programs.wanted)
        self.expected = expected
        self.rates = rates or Rates()
        self._wiring = wiring
        self._topics: Topics = wiring.topics
        self._lives = Lives(seed=seed)
        self._files = RealFiles(landing, seed=seed)
        self._dice = Random(seed)  # noqa: S311 - a workload, not a secret
        self._partitions = {
            self._topics.requests(machine): wiring.settings.partitions[machine] for machine in ("file", "op")
        }
        self._notes = Expected(expected)
        self._again: deque[Out] = deque()
        self._given: deque[Out] = deque()
        self._stop, self._rest, self._resting = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    # --- from outside

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(20.0)
        self._notes.close()

    def rest(self) -> None:
        """Send nothing new; ``is_at_rest`` once all that was sent is acknowledged."""
        self._rest.set()

    def go_on(self) -> None:
        """After `rest`."""
        self._rest.clear()

    @property
    def is_at_rest(self) -> bool:
        """Nothing is under way and nothing new comes."""
        return self._rest.is_set() and self._resting.is_set()

    @property
    def programs_over(self) -> int:
        """Observing programs whose life has ended where it had to."""
        return self._programs.over

    @property
    def is_spent(self) -> bool:
        """As many requests as there were to be are acknowledged; always, where no number was set."""
        wanted = self.rates.requests_at_most
        return wanted is None or self.progress.requests >= wanted

    def send(self, out: Out) -> None:
        """Have this sent too, until it is acknowledged."""
        self._given.append(out)

    def send_large(self) -> None:
        """Have the next file be one that goes up in parts."""
        self._files.is_next_large = True

    def send_hostile(
        self, topic: str, value: bytes | None, *, what: str, code: str | None = None, key: bytes | None = None,
        headers: Headers = (),
    ) -> None:  # fmt: skip
        """Input that must not pass without a word."""

        def note(topic: str, partition: int, offset: int) -> list[ExpectedLine]:
            return [Hostile(what=what, code=code, origin=f"{topic}/{partition}/{offset}")]

        self.send(Out(topic, key, value, headers, note))

    # --- the thread

    def _run(self) -> None:
        owed_requests = owed_files = 0.0
        owed_programs = 1.0 if self.rates.programs else 0.0  # the first begins at once
        writer: Writer | None = None
        while not self._stop.wait(_TICK_S):
            if not self._rest.is_set():
                owed_requests += self.rates.requests * _TICK_S
                owed_files += self.rates.files * _TICK_S
                owed_programs += self.rates.programs * _TICK_S
            outs = self._taken(int(owed_requests), int(owed_files), int(owed_programs))
            owed_requests, owed_files, owed_programs = owed_requests % 1, owed_files % 1, owed_programs % 1
            self._resting.clear() if outs else self._resting.set()
            if outs:
                writer = self._sent(writer, outs)
        if writer is not None:
            with suppress(LogError):
                writer.close()

    def _taken(self, requests: int, files: int, programs: int) -> list[Out]:
        outs = [*self._again, *self._given]
        self._again.clear()
        self._given.clear()
        if self._rest.is_set():
            return outs
        if self.rates.requests_at_most is not None:
            requests = min(requests, self.rates.requests_at_most - self.progress.requests - len(outs))
        outs += [self._request(*said) for said in self._lives.take(max(0, requests))]
        for _ in range(files):
            outs += self._file()
        for _ in range(programs):
            self._programs.begin()
        for told in self._programs.take(self._standing()):
            outs += self._program(told)
        return outs

    def _request(self, subject: str, identifier: str, value: bytes) -> Out:
        def note(_topic: str, partition: int, offset: int) -> list[ExpectedLine]:
            self.progress.acknowledged[partition] = max(offset, self.progress.acknowledged.get(partition, -1))
            self.progress.requests += 1
            return [Request(machine="file", subject=subject, id=identifier)]

        return Out(self._topics.requests("file"), subject.encode(), value, (), note)

    def _file(self) -> list[Out]:
        made = self._files.make()

        def first(topic: str, partition: int, offset: int) -> list[ExpectedLine]:
            self.progress.files.append(made.subject)
            return [*again(topic, partition, offset), State(made.subject, ("COMPLETE",))]

        def again(topic: str, partition: int, offset: int) -> list[ExpectedLine]:
            return [Inbox(SENDER, f"{topic}/{partition}/{offset}", made.event_id)]

        inbox = self._topics.inbox(SENDER)
        out = Out(inbox, None, made.value, made.headers, first)
        return [out, out._replace(note=again)] if self._dice.random() < _REPEATED else [out]

    def _program(self, told: Telling) -> list[Out]:
        def first(topic: str, partition: int, offset: int) -> list[ExpectedLine]:
            self._programs.acknowledged(told)
            found = _about(told.word, topic, partition, offset)
            if not told.ends:
                return found
            end = BESIDE_THE_ATTEMPT.get(told.leads_to, told.leads_to)
            return [*found, State(told.word.op, (end,), machine="op")]

        outs = [self._worded(told.word)._replace(note=first)]
        return outs if told.again is None else [*outs, self._worded(told.again)]

    def _worded(self, word: Word) -> Out:
        note = partial(_about, word)
        if word.sender is not None:
            return Out(self._topics.inbox(word.sender), None, word.value, STRUCTURED, note)
        return Out(self._topics.requests("op"), word.op.encode(), word.value, (), note)

    def _sent(self, writer: Writer | None, outs: list[Out]) -> Writer | None:
        """Send and wait; what is in doubt goes again. The writer to go on with, None for a new one."""
        sent: list[tuple[Out, Sent | None]] = []
        try:
            writer = writer or self._wiring.log(patience_s=_ANSWER_S).writer()
            for out in outs:
                sent.append((out, self._handed(writer, out)))  # noqa: PERF401 - what was handed over before an error counts
            with suppress(LogError):
                writer.flush(_ANSWER_S)
        except LogUnavailableError:
            self._again.extend(outs[len(sent) :])
            self._stop.wait(0.5)
        return writer if self._noted(sent) else None

    def _handed(self, writer: Writer, out: Out) -> Sent | None:
        partition, partitions = None, self._partitions.get(out.topic)
        if partitions is not None and out.key is not None:
            partition = partition_of(out.key.decode(errors="replace"), partitions)
        try:
            return writer.send(
                out.topic, key=out.key, value=out.value, partition=partition, headers=out.headers
            )
        except LogUnavailableError:
            raise
        except LogError as error:
            log.warning("not taken by the client, given up", extra={"topic": out.topic, "error": str(error)})
            return None

    def _noted(self, sent: list[tuple[Out, Sent | None]]) -> bool:
        """False where something was not acknowledged."""
        is_good = True
        for out, promise in sent:
            try:
                if promise is not None:
                    partition, offset = promise.result(_ANSWER_S if is_good else 0.0)
                    for line in out.note(out.topic, partition, offset):
                        self._notes.note(line)
            except LogError as error:
                is_good = False
                self._again.append(out)
                log.info("not acknowledged, sent again", extra={"topic": out.topic, "error": str(error)})
        return is_good


def _about(word: Word, topic: str, partition: int, offset: int) -> list[ExpectedLine]:
    """What is expected of a word about a program that the log has acknowledged."""
    if word.sender is not None:
        return [Inbox(word.sender, f"{topic}/{partition}/{offset}", word.id)]
    return [Request(machine="op", subject=word.op, id=word.id)]
