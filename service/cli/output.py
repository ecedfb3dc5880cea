"""How answers are printed: tables for people, the same columns plain when piped, JSON, CSV, or only ids."""

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any, TextIO, TypeVar

from service.wording import visible

__all__ = ["FORMATS", "Column", "Output", "cell", "fitted", "plain"]

FORMATS = ("table", "json", "ndjson", "csv", "ids")

Row = Mapping[str, Any]
Thing = TypeVar("Thing")

_BAR_FROM = 5
_TEXT_AT_LEAST = 24
_GAP = 3  # as the table draws it

_COLOURS = {
    **dict.fromkeys(("COMPLETE", "Enabled", "ok", "up", "accepted"), "green"),
    **dict.fromkeys(("INVALID", "ERROR", "Fault", "down", "refused", "in doubt"), "red"),
    **dict.fromkeys(("QUEUED", "PROCESSING", "TRANSFERRING", "TRANSFERRED"), "yellow"),
    **dict.fromkeys(("DISMISSED", "Offline"), "dim"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. At a terminal a text is cut to the room there is, and what is minor may be left out."""

    name: str
    heading: str = ""
    is_number: bool = False
    is_text: bool = False
    is_minor: bool = False

    @property
    def title(self) -> str:
        """The heading in capitals, as kubectl and ps do."""
        return (self.heading or self.name.replace("_", " ")).upper()


class Output:
    """Prints to one stream in one format. Remarks go to standard error, so that piped data stay clean."""

    def __init__(self, form: str = "table", *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.form = form
        self.quiet = quiet
        self.stream = stream or sys.stdout
        self.is_terminal = self.stream.isatty()

    def rows(
        self, columns: Sequence[Column], rows: Iterable[Row], *, ids: str, empty: str = "nothing found"
    ) -> int:
        """Print a list; ``ids`` is the member that names a row. How many there were."""
        listed = list(rows)
        match self.form:
            case "json":
                self._write(_json([dict(row) for row in listed], indent=2) + "\n")
            case "ndjson":
                self._write("".join(_json(dict(row)) + "\n" for row in listed))
            case "csv":
                self._write(_csv(columns, listed))
            case "ids":
                self._write("".join(f"{row[ids]}\n" for row in listed))
            case _:
                self._table(columns, listed, empty)
        return len(listed)

    def document(
        self,
        members: Row,
        *,
        lines: Iterable[str],
        ids: str,
        long: tuple[str, Iterable[Row]] | None = None,
    ) -> None:
        """Print one thing: ``lines`` for people, ``members`` for programs.

        ``ids``: the member that names it; ``halts.code`` where ``halts`` is a list of things that ``code`` names.
        ``long``: a last member of JSON, a list of any length, of which one element at a time is held.
        """
        if long is not None and self.form in {"json", "ndjson"}:
            self._write_long(members, *long, indent=2 if self.form == "json" else None)
            return
        match self.form:
            case "json":
                self._write(_json(dict(members), indent=2) + "\n")
            case "ndjson":
                self._write(_json(dict(members)) + "\n")
            case "csv":
                self._write(_csv_of(members, ids))
            case "ids":
                self._write("".join(f"{each}\n" for each in _ids_of(members, ids)))
            case _:
                self.lines(lines)

    def lines(self, lines: Iterable[str]) -> None:
        """Print text for people as it is, but for what would command their terminal."""
        self._write("".join(f"{visible(line)}\n" for line in lines))

    def say(self, text: str) -> None:
        """A remark beside the data, unless nobody wants any; a line of JSON where the data are JSON."""
        if not self.quiet:
            told = (
                _json({"event": "remark", "text": text}) if self.form in {"json", "ndjson"} else visible(text)
            )
            print(told, file=sys.stderr, flush=True)

    def counted(self, things: Iterable[Thing], total: int) -> Iterable[Thing]:
        """The same things, with a bar beside the data where a person watches and there are many."""
        if self.quiet or total < _BAR_FROM or not sys.stderr.isatty():
            return things
        from rich.console import Console
        from rich.progress import track

        return track(things, total=total, description="", console=Console(stderr=True), transient=True)

    def _write_long(self, members: Row, name: str, rows: Iterable[Row], *, indent: int | None) -> None:
        whole = _json({**members, name: []}, indent=indent)
        head, _, tail = whole.rpartition("[]")
        before, after, end = ("\n    ", "\n    ", "\n  ") if indent else ("", " ", "")
        self._write(f"{head}[")
        between = before
        for row in rows:
            text = _json(dict(row), indent=indent)
            self._write(between + (text.replace("\n", "\n    ") if indent else text))
            between = f",{after}"
        self._write(f"{'' if between == before else end}]{tail}\n")

    def _table(self, columns: Sequence[Column], rows: list[Row], empty: str) -> None:
        if not rows:
            if empty:
                self.say(empty)
            return
        cells = [[cell(row.get(column.name)) for column in columns] for row in rows]
        if self.is_terminal:
            self._rich_table(columns, cells)
        else:
            self._write(_aligned(columns, cells))

    def _rich_table(self, columns: Sequence[Column], cells: list[list[str]]) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        console = Console(
            file=self.stream, no_color=bool(os.environ.get("NO_COLOR")) or None, highlight=False
        )
        columns, cells = fitted(columns, cells, console.width)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column.title, justify="right" if column.is_number else "left", overflow="fold")
        for line in cells:
            table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in line))
        console.print(table)

    def _write(self, text: str) -> None:
        try:
            self._print(text)
            self.stream.flush()
        except BrokenPipeError:
            # Who reads has had enough, as head does; what is left to flush goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
            raise SystemExit(0) from None

    def _print(self, text: str) -> None:
        """What the stream has no signs for is written out, as JSON writes it: names of files need not be text."""
        try:
            self.stream.write(text)
        except UnicodeEncodeError as error:
            self.stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))


def fitted(
    columns: Sequence[Column], cells: list[list[str]], width: int
) -> tuple[list[Column], list[list[str]]]:
    """A table for a window: what is minor goes where there is no room, and long texts are cut to the room left."""
    shown = list(range(len(columns)))

    def wide(at: int) -> int:
        return max(len(columns[at].title), *(len(line[at]) for line in cells)) + _GAP

    def room() -> int:
        return width - sum(wide(at) for at in shown if not columns[at].is_text)

    texts = sum(columns[at].is_text for at in shown)
    for at in [at for at in shown if columns[at].is_minor]:
        if room() < _TEXT_AT_LEAST * max(1, texts):
            shown.remove(at)
    each = max(_TEXT_AT_LEAST, room() // max(1, texts) - _GAP)
    cut = [[_cut(line[at], each) if columns[at].is_text else line[at] for at in shown] for line in cells]
    return [columns[at] for at in shown], cut


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def plain(value: Any) -> Any:
    """A value as JSON can hold it: times in UTC with ``Z``, dataclasses as objects, what is no number as none."""
    if isinstance(value, datetime):
        from events.types import format_time

        return format_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(each) for name, each in asdict(value).items()}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, Decimal | float):
        return float(value) if isfinite(value) else None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _json(value: Any, *, indent: int | None = None) -> str:
    return json.dumps(plain(value), indent=indent, ensure_ascii=False)


def _csv(columns: Sequence[Column], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows([_cell(row.get(column.name)) for column in columns] for row in rows)
    return text.getvalue()


def _csv_of(members: Row, ids: str) -> str:
    """A line a member; of a list of things a line each, as of any list."""
    name, _, inner = ids.partition(".")
    if not inner:
        flat = [{"member": name, "value": _cell(value)} for name, value in _flat(members)]
        return _csv((Column("member"), Column("value")), flat)
    things = [dict(_flat(plain(each))) for each in members[name]]
    names = dict.fromkeys(name for each in things for name in each) or {inner: None}
    return _csv([Column(each) for each in names], things)


def _ids_of(members: Row, ids: str) -> list[Any]:
    name, _, inner = ids.partition(".")
    return list(dict.fromkeys(each[inner] for each in members[name])) if inner else [members[name]]


def _cell(value: Any) -> str:
    """A value in one CSV field."""
    simple = plain(value)
    if simple is None:
        return ""
    return _json(simple) if isinstance(simple, dict | list | bool) else str(simple)


def cell(value: Any) -> str:
    """A value in a table's cell: one line, times to the second."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list | tuple):
        return ", ".join(cell(each) for each in value)
    text = _json(value) if isinstance(value, Mapping) else str(plain(value))
    return visible(" ".join(text.split()))


def _aligned(columns: Sequence[Column], cells: list[list[str]]) -> str:
    """Columns under their headings, two spaces between, nothing cut and nothing drawn."""
    table = [[column.title for column in columns], *cells]
    widths = [max(len(line[at]) for line in table) for at in range(len(columns))]
    return "".join(
        "  ".join(
            cell.rjust(width) if column.is_number else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        ).rstrip()
        + "\n"
        for line in table
    )


def _flat(members: Row, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in members.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
