"""What every answer to ``why`` ends with: commands that would help, each with when it is the right one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["NOBODY", "Help", "help_lines"]

NOBODY = "nobody"
"""Has to act where something goes on by itself, or is over."""


@dataclass(frozen=True, slots=True)
class Help:
    """A command to type, and when it is the right one."""

    command: str
    when: str


def help_lines(commands: Iterable[Help]) -> Iterator[str]:
    """For people; nothing where nothing would help."""
    for number, each in enumerate(commands):
        if number == 0:
            yield "  you could:"
        yield f"    {each.command}"
        yield f"      {each.when}"
