"""One observing program as people read it: what it is, its programs, datasets, verdicts, attempts."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.cli.output import cell
from service.cli.showing import pairs
from service.op_why_parts import Finding

__all__ = ["op_shown"]

_LEFT_OUT = frozenset(
    {"op", "instrument_programs", "dataset_rows", "criteria", "attempt_rows", "waited", "partition", "ledger_offset"}
)  # fmt: skip
_NOT_SAID_AGAIN = frozenset(
    {"op", "program", "attempt", "sequence", "is_tainted", "verdict_sequence", "cover"}
)

Row = Mapping[str, Any]


def op_shown(members: Row) -> Iterator[str]:
    """The lines; what has no value is left out."""
    yield str(members["op"])
    yield from pairs(members, [name for name in members if name not in _LEFT_OUT], "  ")
    for program in members["instrument_programs"]:
        name = program["program"]
        yield f"program {name}"
        yield from pairs(program, [each for each in program if each not in _NOT_SAID_AGAIN], "  ")
        yield from (f"  {_dataset(each)}" for each in members["dataset_rows"] if each["program"] == name)
        yield from (f"  {_criterion(each)}" for each in members["criteria"] if each["program"] == name)
    for attempt in members["attempt_rows"]:
        yield f"attempt {attempt['attempt']} on {attempt['program']}"
        yield from pairs(attempt, [each for each in attempt if each not in _NOT_SAID_AGAIN], "  ")
    if members["waited"]:
        yield "waited for"
        yield from (f"  {_waited(each)}" for each in members["waited"])


def _dataset(row: Row) -> str:
    told = [
        f"{row['frames']} frames" if row.get("frames") is not None else "",
        f"created {cell(row['created_at'])}" if row.get("created_at") else "",
        "embargoed" if row.get("is_embargoed") else "",
        "GONE from its catalogue" if row.get("is_gone") else "",
        f"{len(row['problems'])} of its fields could not be taken" if row.get("problems") else "",
    ]
    rest = ", ".join(each for each in told if each)
    return f"dataset {row['dataset']}{f': {rest}' if rest else ''}"


def _criterion(row: Row) -> str:
    result = "met" if row["passed"] else "NOT MET"
    return f"{result if row['required'] else f'recorded, {result}'}: {Finding.of(row).numbers}"


def _waited(row: Row) -> str:
    times = "once" if row["entered"] == 1 else f"{row['entered']} times"
    now = ", now too" if row.get("is_current") else ""
    return f"{row['waited_for']}: {row['waited_s'] / 86400:.1f} days in {row['state']} ({times}{now})"
