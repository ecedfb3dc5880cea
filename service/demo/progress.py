"""What a demo says while it runs: bars at a terminal, plain lines elsewhere, nothing when quiet."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.cli.output import Output
from service.demo.watching import Standing

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Progress"]

_EVERY_S = 2.0
STATES = ("QUEUED", "PROCESSING", "TRANSFERRING", "TRANSFERRED", "COMPLETE", "INVALID", "ERROR")


class Progress:
    """Tells people how far a run is; on standard error, so that the result can be piped."""

    def __init__(self, out: Output, *, is_terminal: bool) -> None:
        self._out = out
        self._is_terminal = is_terminal and not out.quiet
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """One line, with the seconds since the beginning."""
        self._out.say(f"{time.monotonic() - self._began:6.1f} s  {text}")

    @contextmanager
    def counting(self, text: str, done: Callable[[], int], total: int) -> Iterator[Callable[[], None]]:
        """A bar up to ``total``; call what is given to have it drawn anew."""
        self.say(text)
        if not self._is_terminal:
            yield lambda: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        with Bar(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=max(total, 1))
            yield lambda: bar.update(task, completed=min(done(), total))

    @contextmanager
    def standing(self, text: str) -> Iterator[Callable[[Standing], None]]:
        """Where the files are, again and again."""
        self.say(text)
        if not self._is_terminal:
            yield self._lines()
            return
        from rich.console import Console
        from rich.live import Live

        with Live(console=Console(stderr=True), refresh_per_second=8) as live:
            yield lambda standing: live.update(_table(standing))

    def _lines(self) -> Callable[[Standing], None]:
        """A line every other second, if something has changed."""
        last: dict[str, object] = {"at": 0.0, "line": ""}

        def tell(standing: Standing) -> None:
            line = f"{standing.settled} of {standing.wanted} where they are to end: {_states(standing)}"
            now = time.monotonic()
            is_due = now - float(str(last["at"])) >= _EVERY_S or standing.settled == standing.wanted
            if is_due and line != last["line"]:
                self.say(line)
                last.update(at=now, line=line)

        return tell


def _states(standing: Standing) -> str:
    counts = {state: sum(n for (_, each), n in standing.tally.items() if each == state) for state in STATES}
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "none has arrived yet"


def _table(standing: Standing) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD, caption=f"{standing.settled} of {standing.wanted} where they are to end"
    )
    table.add_column("stream")
    for state in STATES:
        table.add_column(state, justify="right")
    for stream in sorted({stream for stream, _ in standing.tally}):
        table.add_row(stream, *(str(standing.tally.get((stream, state), "")) for state in STATES))
    return table
