"""What a fact about an observing program obliges us to do, and what it ends. Pure, like ``obligations``."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from consumers.attempt_obligations import OF_ATTEMPTS, embargoes
from consumers.known_programs import WHOLE_OP
from consumers.owed import Data, DatasetKnown, Held, Obligation
from consumers.program_pieces import answer, cancelled, deadline, gone_on, item, known, program_part, told
from consumers.publishing import STEPS
from events.envelope import Record

__all__ = ["program_obligations"]


def program_obligations(record: Record) -> list[Obligation]:
    """Everything this record of the machine ``op`` obliges us to do or to remember."""
    rule = _RULES.get(record.type)
    return list(rule(record)) if rule is not None else []


# --- datasets ---


def _datasets(record: Record) -> Iterable[Obligation]:
    data = record.data
    # First those that are gone: one that has gone over to another program is in both lists, and is there.
    for each in data.get("gone", ()):
        yield DatasetKnown(record.subject, each["dataset"], each["program"], {}, record.sequence, gone=True)
    for each in (*data.get("datasets", ()), *data.get("added", ()), *data.get("changed", ())):
        yield _dataset(record, each)
    yield from _metadata(record)
    if record.type == "op.discovered":
        names = ("experiment", "proposal", "observing_program", "repeat", "source")
        yield known(record, WHOLE_OP, {name: data.get(name) for name in names})
    for now in data.get("programs", ()):
        part = program_part(now)
        yield from gone_on(record, part)
        yield cancelled(record, "op.quiet_due", part)
        wanted = "readiness" if now["cover"]["datasets"] else None
        yield from _program_now(record, now, wanted, payload=told(record, ("announced",)))
    yield from answer(record)


def _metadata(record: Record) -> Iterable[Obligation]:
    for each in record.data.get("metadata", ()):
        yield _dataset(record, each)
    yield from embargoes(record)


def _dataset(record: Record, dataset: Data) -> DatasetKnown:
    return DatasetKnown(record.subject, dataset["dataset"], dataset["program"], dataset, record.sequence)


# --- readiness, verdicts, staging ---


def _awaited(record: Record) -> Iterable[Obligation]:
    for now in record.data["programs"]:
        part = program_part(now)
        yield cancelled(record, "op.quiet_due", part)
        yield deadline(record, "op.quiet_due", part)
        yield from _program_now(record, now)


def _kept(record: Record) -> Iterable[Obligation]:
    """A sender's word on what has not all come yet. What is open waits for the rest now, and for no silence."""
    data = record.data
    if data.get("program") and data.get("expected_datasets") and not data["seen_datasets"]:
        yield known(record, program_part(data), {"expected": data["expected_datasets"]})
    for now in data.get("programs", ()):
        yield cancelled(record, "op.quiet_due", program_part(now))
        yield known(record, program_part(now), {"now": now})
    yield from answer(record)


def _closed(record: Record) -> Iterable[Obligation]:
    for now in record.data["programs"]:
        yield from gone_on(record, program_part(now))
        yield cancelled(record, "op.quiet_due", program_part(now))
        yield from _program_now(record, now, "qualify")
    yield from answer(record)


def _judged(record: Record) -> Iterable[Obligation]:
    for now in record.data["programs"]:
        yield from gone_on(record, program_part(now))
        verdict = {name: record.data["verdict"][name] for name in ("criteria", "criteria_version", "outcome")}
        wanted = "preprocess" if now["state"] == "Invertible" else None
        yield from _program_now(record, now, wanted, verdict=verdict)


def _requalified(record: Record) -> Iterable[Obligation]:
    for now in record.data["programs"]:
        yield from gone_on(record, program_part(now))
        yield from _program_now(record, now, "qualify" if now["is_ready"] else "readiness")


def _staged(record: Record) -> Iterable[Obligation]:
    for now in record.data["programs"]:
        yield from gone_on(record, program_part(now))
        yield from _program_now(record, now, location=record.data.get("location"))


def _program_now(
    record: Record, now: Data, effect: str | None = None, *, payload: Data | None = None, **more: Any
) -> Iterable[Obligation]:
    part = program_part(now)
    yield known(record, part, {"now": now, "location": None, "failed": None, **more}, effect)
    if effect is not None:
        yield item(effect, record, part, payload)


def _unstaging(record: Record) -> Iterable[Obligation]:
    """Of a part of its own: what else becomes of the program does not call it off."""
    yield item("unstage", record, f"staged:{record.data['program']}", told(record, ("program", "location")))


# --- failures, holds, due dates ---


def _failed(record: Record) -> Iterable[Obligation]:
    part = record.data["part"]
    yield from gone_on(record, part)
    evidence = record.data.get("evidence") or {}
    failed = {"step": record.data["step"], "tries": evidence.get("tries", 1)}
    yield known(record, part, {"failed": failed})
    yield cancelled(record, "op.recover", part)
    if record.data.get("due_at"):
        yield deadline(record, "op.recover", part)


def _recovered(record: Record) -> Iterable[Obligation]:
    part, step = record.data["part"], record.data["step"]
    yield from gone_on(record, part)
    yield cancelled(record, "op.recover", part)
    # A program that is Discovered may wait for its verdict; its staging has nothing left to do.
    is_owed = step in _JUDGING or (step in _STEPS_OF_PARTS and not record.data.get("superseded"))
    again = step if is_owed else None
    by_itself = record.data.get("due_sequence") is not None
    # Whoever looks and says go on gives it as many tries as it had in the beginning.
    yield known(record, part, {} if by_itself else {"failed": None}, again)
    if again is not None:
        yield item(again, record, part)


_JUDGING = frozenset({"readiness", "qualify"})
_STEPS_OF_PARTS = frozenset({"preprocess", "verify", "withdraw", *STEPS})


def _held(record: Record) -> Iterable[Obligation]:
    yield Held(record.subject, record.type == "op.held", record.sequence)


def _due_date(record: Record) -> Iterable[Obligation]:
    yield known(record, WHOLE_OP, {})
    yield cancelled(record, "op.overdue", WHOLE_OP)
    if record.data.get("due_at"):
        yield deadline(record, "op.overdue", WHOLE_OP)


def _refused(record: Record) -> Iterable[Obligation]:
    if record.data.get("request") in {"op.ready", "op.discover", "op.datasets"}:
        yield from answer(record)


_RULES: Mapping[str, Callable[[Record], Iterable[Obligation]]] = {
    **OF_ATTEMPTS,
    "op.discovered": _datasets,
    "op.datasets_changed": _datasets,
    "op.metadata_changed": _metadata,
    "op.ready_awaited": _awaited,
    "op.ready_kept": _kept,
    "op.readiness_closed": _closed,
    "op.judged": _judged,
    "op.requalified": _requalified,
    "op.preprocessed": _staged,
    "op.not_needed": _staged,
    "op.unstaging": _unstaging,
    "op.failed": _failed,
    "op.recovered": _recovered,
    "op.held": _held,
    "op.unheld": _held,
    "op.assigned": _due_date,
    "op.overdue": _due_date,
    "op.refused": _refused,
}
