"""Histories by the real desk: random requests about a few subjects, and what was decided about them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from events.envelope import decode_request, encode_request
from events.ids import partition_of, record_id
from events.log import TopicSpec
from events.memory_log import MemoryLog
from events.topics import Topics
from machines import MACHINES
from machines.desk import Decision, Desk, Stamp, Subject, digest_of

PARTITIONS = 2
TOPICS = Topics("test")
BEGIN = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
SHA = ["a" * 64, "b" * 64, "c" * 64]

Sealed = tuple[str, str, bytes]
"""Machine, subject, and the sealed record."""


@dataclass
class Desks:
    """One desk a machine; decides what is asked, with a clock that ticks once a request."""

    site: str = "test"
    subjects: dict[tuple[str, str], Subject] = field(default_factory=dict)
    sealed: list[Sealed] = field(default_factory=list)
    asked: int = 0

    def ask(
        self, machine: str, subject: str, request: str, data: dict[str, Any], **extensions: Any
    ) -> str | None:
        """Decide; the state that came of it."""
        return self.decide(machine, subject, request, data, **extensions).record.tostate

    def subject(self, machine: str, subject: str) -> Subject:
        """Its state, from the beginning on."""
        return self.subjects.setdefault((machine, subject), Desk(MACHINES[machine], site=self.site).new())

    def decide(
        self,
        machine: str,
        subject: str,
        request: str,
        data: dict[str, Any],
        *,
        actor: str = "somebody",
        **extensions: Any,
    ) -> Decision:
        """Decide; the decision."""
        self.asked += 1
        at = BEGIN + timedelta(seconds=self.asked)
        desk = Desk(MACHINES[machine], site=self.site)
        state = self.subject(machine, subject)
        made = decode_request(
            encode_request(
                id=str(UUID(int=self.asked)), type=f"{machine}.{request}", subject=subject, actor=actor,
                source="test", at=at, data=data, correlationid="story-1", **extensions,
            )
        )  # fmt: skip
        stamp = Stamp(
            record_id(self.site, subject, made.id),
            digest_of(made),
            f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
            "x/0/1",
            1,
        )
        decision = desk.decide(state, made, stamp)
        self.sealed.append((machine, subject, decision.value))
        return decision

    def file(self, name: str) -> Any:
        """The state of a file."""
        return self.subjects["file", name].state


def on_log(sealed: list[Sealed]) -> MemoryLog:
    """A log with these records."""
    log = MemoryLog()
    log.ensure(TopicSpec(TOPICS.events(machine), PARTITIONS) for machine in MACHINES)
    append(log, sealed)
    return log


def append(log: MemoryLog, sealed: list[Sealed]) -> None:
    """Write more records."""
    writer = log.writer()
    for machine, subject, value in sealed:
        place = partition_of(subject, PARTITIONS)
        writer.send(TOPICS.events(machine), key=subject.encode(), value=value, partition=place)


def a_life(desks: Desks, name: str = "roman-wfi/r0001", *, sha256: str = SHA[0], version: int = 1) -> None:
    """From announced to COMPLETE."""
    where = {"version": version, "attempt": 1}
    desks.ask("file", name, "arrive", arrived(sha256))
    desks.ask("file", name, "start", STARTED, **where)
    desks.ask("file", name, "validated", validated(sha256), **where)
    desks.ask("file", name, "transferred", transferred(sha256), **where)
    desks.ask("file", name, "registered", REGISTERED, **where)


STARTED = {"worker": "worker-1", "host": "host-1", "software_version": "1.0"}
REGISTERED = {"register_table": "operations.l2_file", "row_id": "7"}
USAGE = {
    "host": "host-2",
    "wall_s": 0.1234,
    "cpu_s": 0.7,
    "peak_rss_bytes": 1000,
    "bytes_read": 5,
    "exit": "0",
    "log_tail": "a\tb\\c\nd",
}


def arrived(
    sha256: str | None, *, uri: str = "s3://landing/r0001", witness: str = "inbox.soc/0/1"
) -> dict[str, Any]:
    content = {"uri": uri, "size_bytes": 100} | ({"sha256": sha256} if sha256 else {})
    warning = {"code": "LATE_SIDECAR", "message": "tab\there, back\\slash"}
    return {
        "content": content,
        "witness": witness,
        "stream_version": 1,
        "purpose": "science",
        "warnings": [warning],
    }


def validated(sha256: str, **metadata: Any) -> dict[str, Any]:
    told = {
        "instrument": "WFI",
        "exposure_s": 139.8,
        "visit_id": "v1",
        "obs_start_utc": "2026-11-21T04:59:00.000000Z",
    }
    qa = [
        {"check": "structure", "level": "critical", "passed": True},
        {
            "check": "seeing",
            "level": "advisory",
            "passed": False,
            "value": 1.25,
            "unit": "arcsec",
            "threshold": 1.2,
        },
        {"check": "grade", "level": "record-only", "value": "B", "part": "HDU 1"},
    ]
    return {
        "sha256": sha256, "size_bytes": 100, "media_type": "application/x-asdf", "checks_version": "1",
        "metadata": told | metadata, "qa": qa, "usage": USAGE,
    }  # fmt: skip


def transferred(sha256: str) -> dict[str, Any]:
    stored = {"bucket": "archive", "key": "roman-wfi/r0001/1", "size_bytes": 100, "sha256": sha256}
    return {"object": stored, "usage": {"wall_s": 0.05, "peak_rss_bytes": 2000}}


def random_histories(seed: int, *, length: int = 150) -> list[Sealed]:
    """Lives of a few files and streams, in which much goes wrong, decided one by one."""
    dice, desks = Random(seed), Desks()
    names = [f"roman-wfi/r{number:04d}" for number in range(5)]
    while len(desks.sealed) < length:
        if dice.random() < 0.1:
            _about_a_stream(desks, dice)
        elif dice.random() < 0.05:
            holder = {"subject": names[0], "version": 1, "sha256": SHA[0]}
            desks.ask("identity", f"KI.{dice.randint(1, 2)}", "reserve", {"holder": holder})
        else:
            _about_a_file(desks, dice, dice.choice(names))
    return desks.sealed


def _about_a_stream(desks: Desks, dice: Random) -> None:
    stream = dice.choice(["roman-wfi", "keck"])
    configuration = {"stream": stream, "title": dice.choice(["one", "two"]), "senders": ["soc"]}
    word = dice.choice(
        ["configure", "start", "enable", "disable", "standby", "offline", "fault", "hold", "unhold"]
    )
    given: dict[str, dict[str, Any]] = {
        "configure": {"configuration": configuration},
        "fault": {"message": "no power"},
    }
    data = given.get(word, {})
    desks.ask("stream", stream, word, data, **dice.choice([{}, {"reason": "because"}]))


def _about_a_file(desks: Desks, dice: Random, name: str) -> None:
    known = desks.subjects.get(("file", name))
    newest = known.state.newest if known else None
    if newest is None or dice.random() < 0.12:
        sha256 = dice.choice(SHA)
        data = arrived(sha256, witness=f"inbox.soc/0/{desks.asked}")
        data["changed_content"] = dice.choice(["new_version", "new_version", "conflict"])
        desks.ask("file", name, "arrive", data)
        return
    version = newest if dice.random() < 0.9 else dice.choice(list(desks.file(name).versions.values()))
    attempt = version.attempt if dice.random() < 0.95 else version.attempt + 1
    word, data = dice.choice(list(_asks(version.content.get("sha256") or SHA[0], version.sha256, dice)))
    reason = {"reason": "an operator\tsaid so"} if dice.random() < 0.8 else {}
    desks.ask("file", name, word, data, version=version.number, attempt=attempt, **reason)


def _asks(announced: str, read: str | None, dice: Random) -> Iterator[tuple[str, dict[str, Any]]]:
    failure = {
        "code": "TRANSFER_MISMATCH",
        "failure_class": "transient",
        "message": "sums differ",
        "usage": USAGE,
    }
    due = {"due_at": "2026-11-21T06:00:00Z", "tries_allowed": 5}
    until = {"until": "2027-01-01T00:00:00Z"}
    for _ in range(3):
        yield "start", STARTED
        yield "validated", validated(announced, obs_end_utc="yesterday", gain="1.8", target=None)
        yield "transferred", transferred(read or announced)
        yield "registered", REGISTERED
    yield (
        "reject",
        {"code": "TRUNCATED", "message": "ends early", "found": "1", "wanted": "2", "usage": USAGE},
    )
    yield "fail", failure | (due if dice.random() < 0.5 else {})
    yield "retry", {}
    yield "reprocess", {"transfer": dice.random() < 0.5, "overrides": {"program": "P1"}}
    yield "notify_failed", {"code": "NO_ANSWER", "message": "nobody there"}
    yield "dismiss", {"code": "TEST_FRAME"}
    yield "reopen", {}
    yield (
        "acknowledge",
        {"codes": ["TRANSFER_MISMATCH", "TRUNCATED"][: dice.randint(1, 2)], **dice.choice([until, {}])},
    )
    yield dice.choice(["hold", "unhold"]), {}
    yield "note", {"text": "looked at"}
    yield dice.choice(["embargo", "lift"]), {}
    yield "damaged", {"wanted_sha256": announced, "message": "bits fell over"}
    yield "restored", {"sha256": read or announced, "message": "copied again"}
