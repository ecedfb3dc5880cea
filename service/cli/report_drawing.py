"""Reports as people read them: a night on a screen, and a check's values over the nights as a drawing."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from service.cli.output import cell
from service.wording import counted, short

__all__ = ["SHOWN", "night_lines", "table_lines", "trend_lines"]

Row = Mapping[str, Any]

WIDTH = 48
SHOWN = 12
LINE, BOX, MIDDLE, LIMIT, BOTH = "─", "━", "●", "┊", "◉"


def night_lines(report: Row) -> Iterator[str]:
    """The whole night: figures first, then what needs somebody, then what may be looked into."""
    files = sum(row["files"] for row in report["states"])
    yield f"{report['stream']}, night of {report['night']} ({cell(report['begin'])} to {cell(report['end'])} UTC)"
    if report["fresh_to"] is not None:
        yield f"as the views know it up to {cell(report['fresh_to'])} UTC"
    yield ""
    if not files:
        yield from _nothing(report)
        return
    yield from _states(report, files)
    yield from _codes("errors", report["errors"])
    yield from _checks(report["failed_checks"])
    yield from _codes("warnings", report["warnings"])
    yield from _stages(report["stages"])
    yield from _lookups(report["lookups"])
    yield from _slowest(report["slowest"])


def _nothing(report: Row) -> Iterator[str]:
    """Files count in the night they were announced in, and many look for the one in which they were observed."""
    yield "no file was announced that night"
    for word, name in (("last before it", "last_before"), ("first after it", "first_after")):
        at = (report["beside"] or {}).get(name)
        if at is not None:
            yield f"the {word} came at {cell(at)} UTC"
    ends = (cell(report[name]).replace(" ", "T") for name in ("begin", "end"))
    yield (
        "observed in it: meridian file list --stream {} --observed-since {} --observed-until {}".format(
            report["stream"], *ends
        )
    )


def _states(report: Row, files: int) -> Iterator[str]:
    gigabytes = sum(row["bytes"] or 0 for row in report["states"]) / 1e9
    yield f"{counted(files, 'file')}, {gigabytes:.3f} GB"
    table = [[row["state"], row["files"], f"{(row['bytes'] or 0) / 1e9:.3f} GB"] for row in report["states"]]
    yield from table_lines(table, numbers={1, 2})
    if report["superseded_versions"]:
        yield f"  beside them {counted(report['superseded_versions'], 'version')} that newer ones have replaced"


def _codes(title: str, rows: Sequence[Row]) -> Iterator[str]:
    """Codes that nobody has acknowledged; the others are counted apart."""
    open_rows = [row for row in rows if row["files"]]
    known = sum(row["acknowledged"] for row in rows)
    apart = f" (and {known} acknowledged)" if known else ""
    yield ""
    if not open_rows:
        yield f"{title}: none{apart}"
        return
    yield f"{title}: {counted(sum(row['files'] for row in open_rows), 'file')}{apart}"
    yield from table_lines(
        (
            [row["files"], _code(row), f"such as {row['example']}", row["message"]]
            for row in open_rows[:SHOWN]
        ),
        numbers={0},
    )
    yield from _more(open_rows)


def _code(row: Row) -> str:
    keyword = row.get("keyword")
    return f"{row['code']} ({keyword})" if keyword and not str(row["code"]).startswith("QA_") else row["code"]


def _checks(rows: Sequence[Row]) -> Iterator[str]:
    yield ""
    if not rows:
        yield "failed checks: none"
        return
    yield "failed checks"
    yield from table_lines(
        (
            [
                row["files"], row["check_name"], row["level"], _found(row), _wanted(row),
                f"such as {row['example']}",
            ]
            for row in rows[:SHOWN]
        ),
        numbers={0},
    )  # fmt: skip
    yield from _more(rows)


def _found(row: Row) -> str:
    low, high, unit = row["lowest"], row["highest"], f" {row['unit']}" if row["unit"] else ""
    if low is None:
        return ""
    return f"found {low:g}{unit}" if low == high else f"found {low:g} to {high:g}{unit}"


def _wanted(row: Row) -> str:
    threshold = row["threshold"] if row["threshold"] is not None else row["threshold_text"]
    if row["comparison"] is None and row["message"]:
        return short(row["message"], 90)  # nothing was compared: its own words say more
    if threshold is None:
        return ""
    told = f"{threshold:g}" if isinstance(threshold, float) else str(threshold)
    return f"wanted {(row['comparison'] or '').replace('_', ' ')} {told}"


def _stages(rows: Sequence[Row]) -> Iterator[str]:
    yield ""
    yield "seconds a stage took"
    head = ["", "files", "median", "90 %", "99 %", "longest", ""]
    told = [
        [
            row["stage"],
            row["files"],
            *(f"{row[name]:.3f}" for name in ("median_s", "p90_s", "p99_s", "longest_s")),
            row["longest_of"],
        ]
        for row in rows
    ]
    yield from table_lines([head, *told], numbers={1, 2, 3, 4, 5})


def _lookups(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        share = f", {row['share']:.0%} of the work on them" if row["share"] is not None else ""
        yield (
            f"  {counted(row['files'], 'file')} waited {row['seconds']:.3f} s for services outside{share};"
            f" longest {row['longest_s']:.3f} s, {row['longest_of']}"
        )


def _slowest(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield "slowest files"
    told = (
        [
            row["file"],
            row["state"],
            f"{row['seconds']:.3f} s",
            f"of it {row['stage_s']:.3f} s: {row['stage']}",
        ]
        for row in rows
    )
    yield from table_lines(told, numbers={2})


def trend_lines(check: str, stream: str, rows: Sequence[Row]) -> Iterator[str]:
    """A line a night: the tenth to the ninetieth of a hundred files drawn thick, all thin, the middle one as a dot."""
    unit = next((row["unit"] for row in rows if row["unit"]), None)
    yield f"{check} of {stream}{f', in {unit}' if unit else ''}"
    numbers = [row for row in rows if row["values"]]
    low, high = _ends(numbers) if numbers else (0.0, 0.0)
    if numbers:
        scale = f"{low:g}".ljust(WIDTH // 2) + f"{high:g}".rjust(WIDTH // 2)
        yield f"{'':10}  {'files':>7} {'failed':>7}  {scale}  median"
    for row in rows:
        drawn = f"{_drawn(row, low, high)}  {row['median']:g}" if row["values"] else ""
        yield f"{row['night']!s:10}  {row['files']:>7} {row['failed'] or '':>7}  {drawn}".rstrip()
    wanted = dict.fromkeys(_wanted(row) for row in numbers if _limits(row))
    if wanted:
        yield f"{LIMIT} is the threshold of its night: {'; '.join(wanted)}"


def _ends(rows: Sequence[Row]) -> tuple[float, float]:
    """What the drawing spans: every value, and thresholds unless they would leave the values no room."""
    low, high = min(row["lowest"] for row in rows), max(row["highest"] for row in rows)
    room = high - low or abs(high) or 1.0
    for limit in (limit for row in rows for limit in _limits(row)):
        if low - room <= limit <= high + room:
            low, high = min(low, limit), max(high, limit)
    return low, high


def _drawn(row: Row, low: float, high: float) -> str:
    def at(value: float) -> int:
        share = (value - low) / (high - low) if high > low else 0.5
        return min(WIDTH - 1, max(0, round(share * (WIDTH - 1)))) if math.isfinite(share) else 0

    line = [" "] * WIDTH
    for begin, end, mark in (("lowest", "highest", LINE), ("p10", "p90", BOX)):
        for place in range(at(row[begin]), at(row[end]) + 1):
            line[place] = mark
    limits = {at(limit) for limit in _limits(row) if low <= limit <= high}
    for place in limits:
        line[place] = LIMIT
    middle = at(row["median"])
    line[middle] = BOTH if middle in limits else MIDDLE
    return "".join(line)


def _limits(row: Row) -> list[float]:
    """The threshold, or both ends of a range."""
    if row["threshold"] is not None:
        return [float(row["threshold"])]
    if row["comparison"] != "between":
        return []
    try:
        return [float(end) for end in str(row["threshold_text"]).split(",")]
    except ValueError:
        return []


def _more(rows: Sequence[Row]) -> Iterator[str]:
    if len(rows) > SHOWN:
        yield f"  and {len(rows) - SHOWN} kinds more; -o json lists them"


def table_lines(
    rows: Iterable[Sequence[Any]], *, numbers: frozenset[int] | set[int] = frozenset()
) -> Iterator[str]:
    """Columns under one another, two spaces between; numbers to the right."""
    cells = [[cell(each) for each in row] for row in rows]
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))] if cells else []
    for line in cells:
        placed = (
            text.rjust(width) if at in numbers else text.ljust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        yield f"  {'  '.join(placed)}".rstrip()
