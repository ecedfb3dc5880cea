"""Times, durations and names as people read them."""

import shlex
from datetime import datetime, timedelta

__all__ = ["ago", "counted", "duration", "human_time", "quoted", "short", "visible"]


def human_time(moment: datetime | None) -> str:
    """UTC to the second."""
    return "an unknown time" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in one unit."""
    return f"{duration(now - moment)} ago"


def duration(span: timedelta) -> str:
    """A duration in the unit that fits."""
    seconds = max(0.0, span.total_seconds())
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.0f} days"


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 file, 2 files."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short(text: str, length: int = 300) -> str:
    """One line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def quoted(text: str) -> str:
    """As it has to be typed in a shell."""
    return shlex.quote(text)


def visible(text: str) -> str:
    """With what would command a terminal, or has no sign of its own, written out: ESC as \\x1b. Lines stay lines."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode()
        for each in text
    )
