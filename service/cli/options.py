"""The options that every command takes, before or after its name: moved to the front, where the root reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FLAGS", "VALUED", "Options", "hoisted"]

VALUED = frozenset({"--site", "--config", "--output", "-o", "--reason", "--actor"})
"""Options with a value."""

FLAGS = frozenset({"--quiet", "-q", "--yes", "-y", "--debug"})
"""Options without one."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was given for all commands alike. ``actor`` None: the user of the operating system."""

    site: str | None = None
    config: Path | None = None
    output: str = "table"
    quiet: bool = False
    yes: bool = False
    reason: str | None = None
    actor: str | None = None
    debug: bool = False


def hoisted(arguments: Sequence[str]) -> list[str]:
    """The arguments with the common options in front, in their order; what follows ``--`` stays as it is."""
    common: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument in VALUED:
            common += [argument, *_next(waiting)]
        elif argument in FLAGS or _has_its_value(argument):
            common.append(argument)
        else:
            rest.append(argument)
    return common + rest


def _next(waiting: object) -> list[str]:
    value = next(waiting, None)  # type: ignore[call-overload]
    return [] if value is None else [value]


def _has_its_value(argument: str) -> bool:
    """``--site=keck`` or ``-ojson``."""
    name, found, _ = argument.partition("=")
    return (bool(found) and name in VALUED) or (argument.startswith("-o") and len(argument) > 2)
