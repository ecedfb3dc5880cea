"""An observing program of the load through the real desk, with the site's own work done by the tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from consumers.hand_ins import look
from events.envelope import RequestEnvelope, decode_request
from events.ids import record_id
from events.op_asks import HandInOp
from machines.desk import Stamp, digest_of
from projectors.stream_rules import StreamRule
from service.faults.program_life import REFUSED
from service.faults.program_pieces import HOME, SENDER, home_stream, program_of
from service.faults.programs_under_way import Word
from tests.consumers.at_the_door import asked
from tests.machines.given import SITE, Story
from tests.machines.given_op import LEASE, STEPS, VERIFIED, a_verdict, cover

__all__ = ["PlayedProgram"]

PORTAL = "http://127.0.0.1:9"


class PlayedProgram:
    """One program through the real desk, with the site's own work done by the test."""

    def __init__(self, op: str) -> None:
        self.story = Story("op", op)
        self.name = program_of(op)

    @property
    def state(self) -> Any:
        return self.story.state.state

    @property
    def standing(self) -> str:
        """As the watch reads it off the views."""
        if not self.state.attempts:
            return str(self.state.state)
        attempt = self.state.attempts[max(self.state.attempts)]
        is_refused = (
            attempt.state == "Working"
            and self.last("op.hand_in_refused", "op.handed_in") == "op.hand_in_refused"
        )
        return REFUSED if is_refused else str(attempt.state)

    def last(self, *types: str) -> str:
        names = [each.record.type for each in self.story.decisions]
        return next((name for name in reversed(names) if name in types), "")

    def hear(self, word: Word, landing: Path) -> bool:
        """What becomes of a word; True where it is refused."""
        return self.decide(decode_request(word.value) if word.sender is None else _taken_in(word, landing))

    def decide(self, request: RequestEnvelope) -> bool:
        number = len(self.story.decisions)
        stamp = Stamp(
            record_id(SITE, self.story.subject, request.id), digest_of(request), "2026-11-21T05:00:00.000Z",
            f"topic/0/{number}", 1,
        )  # fmt: skip
        decision = self.story.desk.decide(self.story.state, request, stamp)
        assert decision.poison is None
        self.story.decisions.append(decision)
        return decision.record.is_refusal

    def work(self) -> None:
        """What the site does by itself, until nothing is left."""
        done = -1
        while done != len(self.story.decisions):
            done = len(self.story.decisions)
            self._once()

    def _once(self) -> None:
        program = self.state.programs.get(self.name)
        attempt = self.state.attempts.get(1)
        if program is not None and program.state == "Discovered":
            if not program.is_ready:
                self._do(
                    "ready",
                    {"program": self.name, "by": "quiet_period", "cover": cover(self.story, self.name)},
                )
            else:
                outcome = "pass" if self.is_fit else "fail"
                self._do("judge", a_verdict(self.story, outcome, self.name))
        elif program is not None and program.state == "Invertible":
            told = {
                "program": self.name,
                "cover": cover(self.story, self.name),
                "because": "nothing is staged",
            }
            self._do("not_needed", told)
        elif attempt is not None and attempt.state == "HandedIn":
            self._verify(attempt)
        elif attempt is not None and attempt.state == "Publishing":
            for step in STEPS:
                self._do("step_done", {"step": step, "acknowledgement": "ack-1"}, attempt=1)
            self._do("published", {}, attempt=1)
        elif attempt is not None and attempt.state == "Withdrawing":
            self._do("withdrawn", {"acknowledgement": "ack-2"}, attempt=1)

    @property
    def is_fit(self) -> bool:
        (discovered,) = [each.record for each in self.story.decisions if each.record.type == "op.discovered"]
        (dataset,) = discovered.data["datasets"]
        return bool(dataset["values"]["gos.open"] == dataset["frames"])

    def _verify(self, attempt: Any) -> None:
        """As a worker does: its own look at what really lies there."""
        handed_in = next(
            each.record for each in reversed(self.story.decisions) if each.record.type == "op.handed_in"
        )
        told = HandInOp.model_validate(
            {name: handed_in.data[name] for name in ("outputs", "inputs", "software")}
        )
        looked = look(told.outputs, told.inputs, told.software, attempt.datasets, _opened)
        if looked.reasons:
            self._do(
                "hand_in_refused", {"reasons": looked.reasons, "round": attempt.round, **LEASE}, attempt=1
            )
        else:
            self._do(
                "inverted", {**VERIFIED, "round": attempt.round, "size_bytes": looked.size_bytes}, attempt=1
            )

    def _do(self, request: str, data: dict[str, Any], **where: Any) -> None:
        record = self.story.ask(request, data, actor="worker", **where)
        assert not record.is_refusal, (request, record.data["reasons"])


@contextmanager
def _opened(uri: str) -> Iterator[Path]:
    yield Path(uri.removeprefix("file://"))


def _taken_in(word: Word, landing: Path) -> RequestEnvelope:
    """The request that intake makes of it, at the home as the harness configures it."""
    rule = StreamRule(HOME, "Standby", False, 1, home_stream(landing, landing / "products", portal=PORTAL))
    one = asked(word.value, rule, sender=SENDER)
    assert (one.machine, one.subject) == ("op", word.op)
    return decode_request(one.value)
