"""Stories in facts: given what was asked before, when something is asked, then this is decided."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from events.envelope import Record, RequestEnvelope, decode_request, encode_request
from events.ids import record_id
from machines import MACHINES
from machines.desk import Decision, Desk, Stamp, Subject, digest_of

SITE = "test"
BEGIN = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
SHA_A, SHA_B, SHA_C = "a" * 64, "b" * 64, "c" * 64


@dataclass
class Story:
    """One subject's life, request by request, through the real desk."""

    machine: str
    subject: str
    desk: Desk = field(init=False)
    state: Subject = field(init=False)
    decisions: list[Decision] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(MACHINES[self.machine], site=SITE)
        self.state = self.desk.new()

    def ask(self, request: str, data: dict[str, Any] | None = None, **extensions: Any) -> Record:
        """What is decided about this request, folded."""
        made = self.request(request, data, **extensions)
        identifier, place = record_id(SITE, self.subject, made.id), f"topic/0/{len(self.decisions)}"
        stamp = Stamp(identifier, digest_of(made), "2026-11-21T05:00:00.000Z", place, 1)
        decision = self.desk.decide(self.state, made, stamp)
        self.decisions.append(decision)
        return decision.record

    def request(
        self,
        request: str,
        data: dict[str, Any] | None = None,
        *,
        actor: str = "somebody",
        **extensions: Any,
    ) -> RequestEnvelope:
        """A request about this subject, as it comes off the wire."""
        number = len(self.decisions)
        value = encode_request(
            id=str(UUID(int=number + 1)),
            type=f"{self.machine}.{request}",
            subject=self.subject,
            actor=actor,
            source="test",
            at=BEGIN + timedelta(seconds=number),
            data=data or {},
            **extensions,
        )
        return decode_request(value)

    @property
    def where(self) -> str | None:
        return self.desk.machine.where(self.state.state)


def content(sha256: str | None = SHA_A, **more: Any) -> dict[str, Any]:
    """What a notification says of the bytes."""
    told = {"uri": "file:///landing/a.fits", "size_bytes": 100, "sha256": sha256, **more}
    return {name: value for name, value in told.items() if value is not None}


def arrival(
    sha256: str | None = SHA_A, *, witness: str = "inbox/0/1", policy: str = "new_version", **more: Any
) -> Any:
    """Data of ``file.arrive``."""
    return {
        "content": content(sha256, **more),
        "witness": witness,
        "stream_version": 1,
        "changed_content": policy,
    }


def findings(sha256: str = SHA_A, *, passed: bool = True, **more: Any) -> dict[str, Any]:
    """Data of the report ``file.validated``."""
    qa = [{"check": "structure", "level": "critical", "passed": passed}]
    told = {"sha256": sha256, "size_bytes": 100, "media_type": "application/fits", "metadata": {}}
    return {**told, "checks_version": "1", "qa": qa, **more}


def stored(sha256: str = SHA_A) -> dict[str, Any]:
    """Data of the report ``file.transferred``."""
    return {"object": {"bucket": "archive", "key": "a/b", "size_bytes": 100, "sha256": sha256}}


REGISTERED = {"register_table": "operations.l2_file", "row_id": "7"}
STARTED = {"worker": "w1", "host": "h1", "software_version": "1"}
FAILED = {"code": "TRANSFER_MISMATCH", "failure_class": "transient", "message": "sums differ"}
DUE = {**FAILED, "due_at": "2026-11-21T06:00:00Z"}


def a_file(*steps: str, sha256: str = SHA_A) -> Story:
    """A file that was taken through these steps, each at the version and attempt that are current."""
    story = Story("file", "roman/a")
    for step in steps:
        _STEPS[step](story, sha256)
        assert not story.decisions[-1].record.is_refusal, story.decisions[-1].record.data
    return story


def current(story: Story) -> dict[str, int]:
    """Version and attempt that a report has to carry now."""
    newest = story.state.state.newest
    return {"version": newest.number, "attempt": newest.attempt}


_STEPS: dict[str, Any] = {
    "arrive": lambda story, sha: story.ask("arrive", arrival(sha)),
    "start": lambda story, sha: story.ask("start", STARTED, **current(story)),
    "validated": lambda story, sha: story.ask("validated", findings(sha), **current(story)),
    "reject": lambda story, sha: story.ask(
        "reject", {"code": "EMPTY_FILE", "message": "0 bytes"}, **current(story)
    ),
    "transferred": lambda story, sha: story.ask("transferred", stored(sha), **current(story)),
    "registered": lambda story, sha: story.ask("registered", REGISTERED, **current(story)),
    "fail": lambda story, sha: story.ask("fail", FAILED, **current(story)),
    "fail-due": lambda story, sha: story.ask("fail", DUE, **current(story)),
    "dismiss": lambda story, sha: story.ask("dismiss", {"code": "TEST_FRAME"}, reason="a test frame"),
    "hold": lambda story, sha: story.ask("hold", reason="wait"),
    "embargo": lambda story, sha: story.ask(
        "embargo", {"until": "2027-01-01T00:00:00Z", "policy": "18 months"}
    ),
    "damaged": lambda story, sha: story.ask("damaged", {"wanted_sha256": sha, "message": "sum differs"}),
}
COMPLETE = ("arrive", "start", "validated", "transferred", "registered")
