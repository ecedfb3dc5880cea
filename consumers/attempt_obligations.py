"""What a fact about an attempt to invert a program obliges us to do, and what it ends. Pure, like ``obligations``."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from consumers.known_programs import WHOLE_OP
from consumers.owed import Data, Obligation
from consumers.program_pieces import (
    attempt_part,
    cancelled,
    deadline,
    gone_on,
    item,
    known,
    program_part,
    told,
)
from consumers.publishing import REPORTED_STEPS, next_step
from events.envelope import Record
from events.ids import derived_id

__all__ = ["OF_ATTEMPTS", "embargoes"]


def _leased(record: Record) -> Iterable[Obligation]:
    """A lease has begun or gone on: the next of its times is due."""
    part = attempt_part(record)
    yield from gone_on(record, part)
    yield cancelled(record, "op.lease_due", part)
    yield deadline(record, "op.lease_due", part)
    names = ("program", "claimant", "cover", "location", "lease_until", "orcid")
    yield known(record, part, told(record, names))
    if record.data.get("restage"):
        program = program_part(record.data)
        # Into another folder than the one that may just be going: whoever is slow there finds nothing of this one.
        yield known(record, program, {"again": record.sequence}, "preprocess")
        yield item("preprocess", record, program)


def _lease_over(record: Record) -> Iterable[Obligation]:
    part = attempt_part(record)
    yield from gone_on(record, part)
    yield cancelled(record, "op.lease_due", part)
    yield known(record, part, {})


def _handed_in(record: Record) -> Iterable[Obligation]:
    part = attempt_part(record)
    yield from gone_on(record, part)
    yield cancelled(record, "op.lease_due", part)
    names = ("program", "claimant", "outputs", "inputs", "software", "message", "round")
    yield known(record, part, {**told(record, names), "failed": None}, "verify")
    yield item("verify", record, part)


def _verified(record: Record) -> Iterable[Obligation]:
    part = attempt_part(record)
    yield from gone_on(record, part)
    yield known(record, part, {**told(record, ("commit", "commit_message", "size_bytes")), "failed": None})


def _accepted(record: Record) -> Iterable[Obligation]:
    yield known(record, attempt_part(record), told(record, ("reviewer", "note")))


def _publishing(record: Record) -> Iterable[Obligation]:
    """Nothing of an earlier publication of the attempt, which was withdrawn, counts any more."""
    names = ("embargo", "replaces", "outputs", "program", "claimant", "publication")
    fresh = dict.fromkeys(("replaces", "failed", *REPORTED_STEPS))
    yield from _next_of(record, {**fresh, **told(record, names), "since": record.time}, ())


_OF_STEP = ("objects", "size_bytes", "manifest_uri", "manifest_sha256", "acknowledgement", "identifier")


def _step_done(record: Record) -> Iterable[Obligation]:
    found = {record.data["step"]: told(record, _OF_STEP), "failed": None}
    yield from _next_of(record, found, record.data["steps_done"])


def _next_of(record: Record, found: Data, done: Iterable[str]) -> Iterable[Obligation]:
    part, step = attempt_part(record), next_step(done)
    yield from gone_on(record, part)
    yield known(record, part, found, step)
    yield item(step, record, part)


def _published(record: Record) -> Iterable[Obligation]:
    part = attempt_part(record)
    yield from gone_on(record, part)
    yield known(record, part, {"failed": None, **told(record, ("acknowledgement", "identifier", "embargo"))})
    if record.data.get("embargo_was") is not None:
        yield item("unveil", record, part, told(record, ("embargo",)))
    if record.data.get("supersedes"):
        yield cancelled(record, "op.lift", f"attempt:{record.data['supersedes']}")
    if record.data.get("due_at"):
        yield deadline(record, "op.lift", part)


def _withdrawing(record: Record) -> Iterable[Obligation]:
    part = attempt_part(record)
    yield from gone_on(record, part)
    why = {
        "failed": None,
        "replacement": None,
        "reason": record.reason,
        **told(record, ("replacement", "publication")),
    }
    yield known(record, part, why, "withdraw")
    yield item("withdraw", record, part)


def _withdrawn(record: Record) -> Iterable[Obligation]:
    yield from _lease_over(record)
    yield cancelled(record, "op.lift", attempt_part(record))


def _embargoed(record: Record) -> Iterable[Obligation]:
    """The portal hears of it; a due time lifts it again."""
    part = attempt_part(record)
    yield from gone_on(record, part)
    yield cancelled(record, "op.lift", part)
    if record.data.get("due_at"):
        yield deadline(record, "op.lift", part)
    is_embargoed = record.type == "op.embargoed"
    embargo = {"is_embargoed": is_embargoed, "until": record.data.get("due_at")}
    yield known(record, part, {"embargo": embargo})
    yield item("unveil", record, part, {"embargo": embargo})


def embargoes(record: Record) -> Iterable[Obligation]:
    """What is published of a dataset is kept from the public as long as that is. Nothing else ends this wish."""
    for each in record.data.get("embargoes") or ():
        part = f"attempt:{each['attempt']}"
        owed = item("embargo", record, part, {"embargo": each})
        yield replace(owed, event_id=derived_id(record.id, f"embargo {part}"), part=WHOLE_OP)


OF_ATTEMPTS: Mapping[str, Callable[[Record], Iterable[Obligation]]] = {
    "op.claimed": _leased,
    "op.extended": _leased,
    "op.handed_over": _leased,
    "op.lease_warned": _leased,
    "op.rework_asked": _leased,
    "op.hand_in_refused": _leased,
    "op.released": _lease_over,
    "op.rejected": _lease_over,
    "op.handed_in": _handed_in,
    "op.inverted": _verified,
    "op.accepted": _accepted,
    "op.publishing": _publishing,
    "op.step_done": _step_done,
    "op.published": _published,
    "op.withdrawing": _withdrawing,
    "op.withdrawn": _withdrawn,
    "op.embargoed": _embargoed,
    "op.embargo_lifted": _embargoed,
}
