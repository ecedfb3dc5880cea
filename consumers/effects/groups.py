"""Counting files in their groups, and telling observing programs of datasets whose frames are all there."""

from collections.abc import Iterator, Sequence

from consumers.claims import WorkItem
from consumers.effects.asking import Ask
from consumers.effects.judging import Found
from consumers.known_programs import datasets_of
from consumers.outage import OUTAGES
from consumers.tools import Tools
from events.file_parts import GroupPlace
from events.group import CountMember
from events.op_parts import Dataset
from events.op_requests import DiscoverOp
from machines.program.dataset import flat, significant_digest

__all__ = ["count_members", "tell_datasets"]


def count_members(items: Sequence[WorkItem], _tools: Tools) -> Iterator[Found]:
    """Each file's word to its group."""
    for item in items:
        try:
            ask = _counted(item)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            yield item, error
        else:
            yield item, ask


def tell_datasets(items: Sequence[WorkItem], tools: Tools) -> Iterator[Found]:
    """Each dataset's word to its program. What a catalogue has told of a dataset says more than its frames do."""
    programs = {
        item.key: (item.payload["parents"]["op"], item.payload["parents"]["program"]) for item in items
    }
    with tools.engine.connect() as connection:
        known = datasets_of(connection, programs.values())
    for item in items:
        told = {each.dataset.dataset: each.dataset for each in known[programs[item.key]]}
        try:
            ask = _told(item, told)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            yield item, error
        else:
            yield item, ask


def _counted(item: WorkItem) -> Ask:
    place = GroupPlace.model_validate(item.payload["membership"])
    request = CountMember(
        kind=place.kind,
        member=item.payload["member"],
        place=place.place,
        role=place.role,
        status=item.payload["status"],
        parents=place.parents,
        expected=place.expected,
    )
    return Ask(request, item, item.report_id, f"{item.stream}/{place.group}", is_report=True)


def _told(item: WorkItem, known: dict[str, Dataset]) -> Ask | None:
    parents, counts = item.payload["parents"], item.payload["counts"]
    found = known.get(parents["dataset"])
    if found is not None and found.values:
        return None
    dataset = Dataset.model_validate(
        {
            "dataset": parents["dataset"],
            "program": parents["program"],
            "instrument": parents["instrument"],
            "digest": "0" * 32,
            "frames": counts["complete"],
            "created_at": item.payload["at"],
        }
    )
    dataset = dataset.model_copy(update={"digest": significant_digest(flat(dataset), ())})
    request = DiscoverOp(
        source=f"group {item.subject}", proposal=parents.get("proposal"), datasets=(dataset,)
    )
    return Ask(request, item, item.report_id, parents["op"], is_report=True)
