"""Pieces that obligations of observing programs are put together from."""

from collections.abc import Iterable

from consumers.answer import cause_of
from consumers.known_programs import WHOLE_OP, attempt_of
from consumers.owed import Cancelled, Data, DeadlineOwed, ItemOwed, Obligation, PartKnown, PartPassed
from consumers.work_lanes import LANES, STEP_LANES
from events.envelope import Record
from events.ids import derived_id

__all__ = [
    "answer",
    "attempt_part",
    "cancelled",
    "deadline",
    "gone_on",
    "item",
    "known",
    "program_part",
    "told",
]


_AWAITED = frozenset(effect for effect, lane in LANES.items() if lane in STEP_LANES)
"""What a part waits for. Readiness may have nothing to say, and the portal's word changes nothing here."""


def program_part(now: Data) -> str:
    """The part that an instrument program is."""
    return f"program:{now['program']}"


def attempt_part(record: Record) -> str:
    """The part that the attempt of a record is."""
    return f"attempt:{record.attempt}"


def told(record: Record, names: Iterable[str]) -> Data:
    """These members of a record, as far as it has them."""
    return {name: record.data[name] for name in names if name in record.data}


def known(record: Record, part: str, found: Data, effect: str | None = None) -> PartKnown:
    """What is remembered of a part from now on, and which work it waits for."""
    owes = effect if effect in _AWAITED else None
    return PartKnown(record.subject, part, found, record.sequence, record.at, owes)


def gone_on(record: Record, part: str) -> Iterable[Obligation]:
    """The part goes on: what earlier facts obliged to is over."""
    yield PartPassed(record.subject, part, record.sequence, record.at)


def cancelled(record: Record, request: str, part: str) -> Cancelled:
    """Deadlines of the part for this request are void."""
    return Cancelled(record.subject, None, request, record.sequence, record.at, part)


def deadline(record: Record, request: str, part: str) -> DeadlineOwed:
    """This request is to be sent when the record's time comes."""
    return DeadlineOwed(
        record.id,
        request,
        record.subject,
        None,
        record.sequence,
        record.data["due_at"],
        record.correlationid,
        part,
    )


def item(effect: str, record: Record, part: str, payload: Data | None = None) -> ItemOwed:
    """Work on the part: its id follows from the fact and the part, so one fact may oblige to several."""
    told = {"cause": record.id, "part": part, **(payload or {})}
    return ItemOwed.by(
        record,
        effect,
        told,
        event_id=derived_id(record.id, part),
        version=None,
        attempt=attempt_of(part),
        part=part,
    )


_TOLD = ("code", "reasons", "by", "expected_datasets", "seen_datasets", "message", "programs")


def answer(record: Record) -> Iterable[Obligation]:
    """To a sender whose message this came of. Operators wait for outcomes, and parts of ours read the ledger."""
    if record.correlationid is None or record.causationid != cause_of(record.actor, record.correlationid):
        return
    about = told(record, _TOLD)
    if "programs" in about:
        names = ("program", "state", "is_ready")
        about["programs"] = [{name: each[name] for name in names} for each in about["programs"]]
    payload: Data = {
        "type": record.type,
        "state": record.tostate,
        "request_id": record.requestid,
        "told": about,
        "sender": record.actor,
        "event_id": record.correlationid,
    }
    part = WHOLE_OP if record.machine == "op" else None
    yield ItemOwed.by(record, "answer", payload, version=None, part=part)
