"""Files into their groups, and datasets of frames into their observing programs. Pure, like ``obligations``."""

from collections.abc import Iterable

from consumers.owed import Cancelled, Data, DeadlineOwed, ItemOwed, Obligation
from consumers.program_pieces import answer
from events.envelope import Record

__all__ = ["counted", "group_obligations"]

_ENDED = frozenset({"Complete", "Closed short"})


def counted(record: Record, membership: Data | None, status: str) -> Iterable[Obligation]:
    """A file's fact: its group is to count it so. Files that belong to no group oblige to nothing."""
    if membership is not None:
        name = record.subject.partition("/")[2]
        yield _item("member", record, {"membership": membership, "member": name, "status": status})


def group_obligations(record: Record) -> list[Obligation]:
    """Everything this record of the machine ``group`` obliges us to do."""
    found: list[Obligation] = []
    if record.type == "group.expected":
        found.append(Cancelled(record.subject, None, "group.due", record.sequence, record.at))
        if record.data.get("due_at"):
            found.append(
                DeadlineOwed(
                    record.id,
                    "group.due",
                    record.subject,
                    None,
                    record.sequence,
                    record.data["due_at"],
                    record.correlationid,
                )
            )
    if record.type == "group.expected" or record.data.get("request") == "group.expect":
        found += answer(record)
    if not record.is_refusal and _is_a_whole_dataset(record):
        told = {"parents": record.data["parents"], "counts": record.data["counts"], "at": record.time}
        found.append(_item("datasets", record, told))
    return found


def _is_a_whole_dataset(record: Record) -> bool:
    """All of its frames are there, or all that will come; while it is open its program has nothing to go by."""
    parents = record.data.get("parents") or {}
    is_told = {"op", "program", "dataset", "instrument"} <= parents.keys()
    has_ended = record.tostate in _ENDED and record.fromstate != record.tostate
    return record.data.get("kind") == "dataset" and is_told and has_ended


def _item(effect: str, record: Record, payload: Data) -> ItemOwed:
    return ItemOwed.by(record, effect, payload)
