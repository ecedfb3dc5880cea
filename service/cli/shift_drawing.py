"""A shift as people read it when they hand over: who acted, what was done, what waits."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from service.cli.output import cell
from service.cli.report_drawing import SHOWN, table_lines
from service.wording import counted, duration, short

__all__ = ["shift_lines"]

Row = Mapping[str, Any]


def shift_lines(report: Row) -> Iterator[str]:
    """What needs somebody stands last, where a terminal stops."""
    of = f" of {report['stream']}" if report["stream"] else ""
    yield f"shift{of} from {cell(report['since'])} to {cell(report['until'])} UTC"
    if report["fresh_to"] is not None:
        yield f"as the views know it up to {cell(report['fresh_to'])} UTC"
    yield from _section("what happened", _happened(report["happened"]))
    yield from _section("who acted", _people(report["people"]))
    yield from _section("done by hand", _by_hand(report["by_hand"]))
    yield from _section("notes", _notes(report["notes"]))
    yield from _section("files on their way", _waiting(report["waiting"]))
    yield from _section("on hold", _held(report["held"]))
    yield from _section("streams that are silent", _silent(report["silent"]))
    yield from _section("groups that are due and not complete", _groups(report["groups"]))
    if report["stream"] is None:
        yield from _section("claims of observing programs", _claims(report["claims"]))
        yield from _section("observing programs that are overdue", _overdue(report["overdue"]))
        yield from _section("failed in observing programs", _program_failures(report["program_failures"]))
    yield from _section("work that is parked", _parked(report["parked"]))
    yield from _section("not acknowledged", _problems(report["problems"]))


def _section(title: str, rows: list[list[Any]]) -> Iterator[str]:
    yield ""
    if not rows:
        yield f"{title}: nothing"
        return
    yield title
    yield from table_lines(rows[:SHOWN])
    if len(rows) > SHOWN:
        yield f"  and {len(rows) - SHOWN} more; -o json lists them"


def _happened(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [row["type"], counted(row["subjects"], "subject"), counted(row["records"], "record")] for row in rows
    ]


def _people(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [
            row["actor"],
            counted(row["requests"], "request"),
            f"{row['refused']} refused",
            "last",
            cell(row["last_at"]),
        ]
        for row in rows
    ]


def _by_hand(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [
            cell(row["first_at"]), row["actor"], f"{row['what']}{' (refused)' if row['is_refusal'] else ''}",
            _of(row), short(row["reason"] or "", 100),
        ]
        for row in rows
    ]  # fmt: skip


def _notes(rows: Sequence[Row]) -> list[list[Any]]:
    return [[cell(row["time"]), row["actor"], row["subject"], short(row["note"] or "", 200)] for row in rows]


def _waiting(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [
            row["stream"],
            row["state"],
            counted(row["files"], "file"),
            "oldest",
            cell(row["oldest_at"]),
            row["oldest"],
        ]
        for row in rows
    ]


def _held(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [row["what"], row["subject"], "since", cell(row["held_at"]), short(row["reason"] or "", 100)]
        for row in rows
    ]


def _silent(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [
            row["stream"], row["purpose"], "nothing since", cell(row["since_at"]), "wanted every",
            duration(timedelta(seconds=row["every_s"])),
        ]
        for row in rows
    ]  # fmt: skip


def _groups(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [
            row["stream"], row["kind"], counted(row["groups"], "group"), f"{row['missing']} files missing",
            f"such as {row['example']}",
        ]
        for row in rows
    ]  # fmt: skip


def _claims(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [
            row["claimant"], counted(row["claims"], "claim"), f"{row['warned']} warned", "the next ends",
            cell(row["next_at"]), row["next"],
        ]
        for row in rows
    ]  # fmt: skip


def _overdue(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [
            row["who"], f"told as {row['told_to']}" if row["told_to"] else "not told yet",
            counted(row["ops"], "observing program"), "due", cell(row["due_at"]), f"such as {row['example']}",
        ]
        for row in rows
    ]  # fmt: skip


def _program_failures(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [
            row["step"], row["code"], counted(row["ops"], "observing program"),
            f"{row['tried_again']} tried again by themselves", f"such as {row['example']}",
        ]
        for row in rows
    ]  # fmt: skip


def _parked(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [
            row["stream"],
            row["effect"],
            row["code"],
            counted(row["items"], "item"),
            f"such as {row['example']}",
        ]
        for row in rows
    ]


def _problems(rows: Sequence[Row]) -> list[list[Any]]:
    return [
        [
            row["stream"], row["state"], row["code"], counted(row["files"], "file"),
            f"{row['since_then']} of them since then", f"{row['tried_again']} tried again by themselves",
            f"such as {row['example']}",
        ]
        for row in rows
    ]  # fmt: skip


def _of(row: Row) -> str:
    return row["example"] if row["subjects"] == 1 else f"{row['subjects']} subjects, such as {row['example']}"
