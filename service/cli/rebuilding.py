"""What commands about rebuilding share: the rebuild with its progress shown, its refusals, names of read models."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from service.cli.errors import AttentionError, WrongUseError
from service.cli.output import Output, plain
from service.cli.session import Session

if TYPE_CHECKING:
    from service.rebuild import Progress, Rebuild

__all__ = ["Telling", "names_of", "rebuilding", "span"]

_SAY_EVERY_S = 5.0
_DRAW_EVERY_S = 0.25


@contextmanager
def rebuilding(session: Session, *, processes: int | None = None) -> Iterator["Rebuild"]:
    """The rebuild of this site; what it refuses becomes a message and exit code 1."""
    from projectors.rebuild_level import NotLevelError
    from projectors.rebuild_swap import ReadersInTheWayError
    from projectors.rebuild_targets import ClaimedError
    from service.rebuild import Rebuild, RebuildError

    told = Telling(session.out)
    rebuild = Rebuild(session.wiring, told, processes)
    try:
        yield rebuild
    except (RebuildError, ClaimedError, NotLevelError, ReadersInTheWayError) as error:
        raise AttentionError(str(error)) from error
    except KeyboardInterrupt:
        raise AttentionError("interrupted; the same command goes on where it was") from None
    finally:
        told.end()
        rebuild.close()


def names_of(projection: str) -> tuple[str, ...]:
    """The tables that are meant; raises WrongUseError on a name that there is none of."""
    from projectors.read_models import READ_MODELS

    if projection == "all":
        return READ_MODELS
    alone = tuple(name for name in READ_MODELS if name != "tainted")
    if projection not in alone:
        raise WrongUseError(f"found no projection {projection}; wanted one of {', '.join(alone)}, or all")
    return (projection,)


class Telling:
    """Progress as the reader of the output wants it: a line that is drawn anew, lines now and then, or JSON lines."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._is_drawn = sys.stderr.isatty() and out.form == "table" and not out.quiet
        self._next = time.monotonic() + (0.0 if self._is_drawn else _DRAW_EVERY_S)

    def __call__(self, progress: "Progress") -> None:
        """Tell it, unless the last time was a moment ago."""
        now = time.monotonic()
        if now < self._next:
            return
        if self._is_drawn:
            self._next = now + _DRAW_EVERY_S
            print(f"\r\033[K{_line(progress)}", end="", file=sys.stderr, flush=True)
            return
        self._next = now + _SAY_EVERY_S
        if self._out.form in {"json", "ndjson"} and not self._out.quiet:
            stream = sys.stdout if self._out.form == "ndjson" else sys.stderr
            print(json.dumps(plain(_members(progress))), file=stream, flush=True)
        else:
            self._out.say(_line(progress))

    def end(self) -> None:
        """Take the drawn line away."""
        if self._is_drawn:
            with suppress(OSError):
                print("\r\033[K", end="", file=sys.stderr, flush=True)


def _line(progress: "Progress") -> str:
    percent = 100 * progress.done // progress.total if progress.total else 100
    eta = "" if progress.eta_s is None else f", {span(progress.eta_s)} to go"
    return f"{progress.schema}: {percent} %, {progress.records:,} records, {progress.rate:,.0f} a second{eta}"


def _members(progress: "Progress") -> dict[str, Any]:
    names = ("schema", "done", "total", "records", "seconds", "rate", "eta_s")
    rounded = {name: getattr(progress, name) for name in names}
    return {"event": "progress"} | {
        name: round(value, 3) if isinstance(value, float) else value for name, value in rounded.items()
    }


def span(seconds: float) -> str:
    """A length of time as people say it."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
