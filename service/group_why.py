"""Why a group of files stands where it stands: what is missing, who has to act, and what would help."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from service.answer import Answer
from service.helping import NOBODY, Help
from service.wording import counted, human_time, quoted

__all__ = ["group_why", "unknown_group"]

Row = Mapping[str, Any]

_RANGES_TOLD = 12


def group_why(row: Row) -> Answer:
    """From a row of ``v1.group``."""
    missing = row["missing"]
    return Answer(
        subject=str(row["group_id"]),
        state=str(row["state"]),
        since_at=row["since_at"],
        because=_because(row),
        who=NOBODY if missing == 0 else "whoever sends the files, or an operator",
        again_at=row["due_at"] if _waits(row) and not row["is_due"] else None,
        evidence=tuple(_evidence(row)),
        help=tuple(_help(row)) if missing != 0 else (),
    )


def unknown_group(group: str, close: Iterable[str]) -> Answer:
    """The answer for a name that nobody knows."""
    near = tuple(Help(f"meridian group why {quoted(each)}", "if you meant this one") for each in close)
    because = "no file of it has come, and nobody has said that it is expected"
    expect = f"meridian group expect {quoted(group)} --files N --reason '…'"
    return Answer(group, None, None, because, help=(*near, Help(expect, "to say what is to come")))


def _waits(row: Row) -> bool:
    return str(row["state"]) in {"Open", "Reopened"}


def _because(row: Row) -> str:
    expected, missing = row["expected"], row["missing"]
    if expected is None:
        seen = counted(row["seen"] or 0, "file")
        return (
            f"{seen} of it came, {row['complete'] or 0} complete, and nobody has said how many belong to it"
        )
    by = f" (as said by {row['expected_by']})" if row["expected_by"] else ""
    if missing == 0:
        return f"all {counted(expected, 'member')} expected{by} are complete, excused or dismissed"
    over = {"Closed short": "it was closed with ", "Reopened": "it was over once, and now has "}
    return f"{over.get(str(row['state']), '')}{missing} of {expected} members expected{by} missing"


def _evidence(row: Row) -> Iterator[str]:
    told = ("complete", "invalid", "dismissed", "excused", "unexpected", "sidecars")
    counts = [f"{row[name]} {name}" for name in told if row[name]]
    if counts:
        yield ", ".join(counts)
    ranges = row["missing_ranges"] or ()
    if ranges and row["missing"]:
        places = ", ".join(_places(each) for each in ranges[:_RANGES_TOLD])
        more = f" and {len(ranges) - _RANGES_TOLD} ranges more" if len(ranges) > _RANGES_TOLD else ""
        yield f"missing when it was last looked at as a whole: places {places}{more}"
    yield from (f"warning {each['code']}: {each['message']}" for each in row["warnings"] or ())
    if row["op"]:
        yield f"belongs to the observing program {row['op']}, program {row['program'] or 'not said'}"
    if row["note"]:
        yield f"noted at {human_time(row['noted_at'])}: {row['note']}"


def _places(found: Mapping[str, int]) -> str:
    return str(found["first"]) if found["first"] == found["last"] else f"{found['first']}-{found['last']}"


def _help(row: Row) -> Iterator[Help]:
    name = quoted(str(row["group_id"]))
    if row["expected"] is None:
        yield Help(
            f"meridian group expect {name} --files N --reason '…'", "if you know how many belong to it"
        )
    else:
        yield Help(f"meridian group excuse {name} --places A-B --reason '…'", "if some of them will not come")
    if _waits(row):
        yield Help(f"meridian group close {name} --reason '…'", "if what is there is all there will be")
    yield Help(f"meridian file list --stream {quoted(str(row['stream']))}", "to see the files themselves")
