"""One file as people read it: what it is, its versions, its metadata, its checks."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.cli.output import cell

__all__ = ["outcome", "pairs", "shown"]

_LEFT_OUT = frozenset({"versions", "metadata", "attempts", "checks", "warnings", "previews", "file"})
_IN_VERSION = (
    "state",
    "since_at",
    "attempt",
    "code",
    "message",
    "size_bytes",
    "sha256",
    "bucket",
    "object_key",
    "uri",
)
_IN_ATTEMPT = (
    "worker",
    "host",
    "software_version",
    "outcome",
    "code",
    "wall_s",
    "cpu_s",
    "peak_rss_bytes",
    "bytes_read",
    "bytes_written",
    "lookup_s",
    "exit",
    "log_object",
)
_LOG_LINES = 20

_IN_PREVIEW = (
    "bucket",
    "object_key",
    "size_bytes",
    "width_px",
    "height_px",
    "images",
    "left_out",
    "stretch",
    "code",
    "message",
    "is_embargoed",
)

Row = Mapping[str, Any]


def shown(members: Row) -> Iterator[str]:
    """The lines; what has no value is left out."""
    yield str(members["file"])
    yield from pairs(members, [name for name in members if name not in _LEFT_OUT], "  ")
    for version in members["versions"]:
        yield f"version {version['version']}"
        yield from pairs(version, _IN_VERSION, "  ")
    for row in members["metadata"]:
        yield f"metadata of version {row['version']}"
        yield from pairs(row, [name for name in row if name not in {"file", "version"}], "  ")
    for row in members["attempts"]:
        yield f"attempt {row['attempt']} at version {row['version']}"
        yield from pairs(row | {"lookup_s": _share(row)}, _IN_ATTEMPT, "  ")
        yield from _log(row)
    for row in members["previews"]:
        yield f"preview of version {row['version']}"
        yield from pairs(row, _IN_PREVIEW, "  ")
    if members["checks"]:
        yield "checks"
        yield from (f"  {_check(each)}" for each in members["checks"])
    if members["warnings"]:
        yield "warnings"
        yield from (f"  {each['code']}: {each['message']}{_over(each)}" for each in members["warnings"])


def _over(warning: Row) -> str:
    """Why a warning no longer holds."""
    return f"; withdrawn: {warning['withdrawn_because']}" if warning.get("withdrawn_at") else ""


def _share(attempt: Row) -> str | None:
    """How long services outside were waited for, and what part of the time that was."""
    waited, wall = attempt.get("lookup_s"), attempt.get("wall_s")
    if waited is None:
        return None
    share = f", {waited / wall:.0%} of the time" if wall else ""
    return f"{waited:g}{share}"


def _log(attempt: Row) -> Iterator[str]:
    """The last lines of its log."""
    lines = str(attempt.get("log_tail") or "").rstrip().splitlines()
    if lines:
        left_out = len(lines) - _LOG_LINES
        yield f"  log{f', its last {_LOG_LINES} lines' if left_out > 0 else ''}"
        yield from (f"    {line}" for line in lines[-_LOG_LINES:])


def pairs(row: Row, names: Any, indent: str) -> Iterator[str]:
    """Names and values under one another; what has no value is left out."""
    told = [
        (name, cell(row[name]))
        for name in names
        if row.get(name) is not None and row.get(name) not in ({}, [])
    ]
    width = max((len(name) for name, _ in told), default=0)
    return (f"{indent}{name.ljust(width)}  {value}" for name, value in told)


def _check(row: Row) -> str:
    value = row.get("value") if row.get("value") is not None else row.get("value_text")
    parts = [f"version {row['version']}", str(row["check_name"]), str(row.get("part") or "")]
    told = outcome(row["passed"], value, row.get("unit"), row.get("message"))
    return f"{' '.join(part for part in parts if part)} {told}"


def outcome(passed: bool | None, value: Any, unit: str | None, message: str | None) -> str:
    """What a check found, in words: its result, its value with unit, and what it says beside."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    unjudged = "not judged" if value is None else "recorded"
    result = unjudged if passed is None else "passed" if passed else "FAILED"
    shown = f"{value:.10g}" if isinstance(value, float) else "" if value is None else cell(value)
    shown = f"{shown} {unit or ''}".strip() if shown else ""
    if message and not is_number:
        shown = ""  # its words hold what it found
    told = "; ".join(part for part in (shown, message) if part)
    return f"{result}: {told}" if told else result
