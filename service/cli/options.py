"""The options that every command takes, before or after its name: moved to the front, where the root reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from service.cli.errors import WrongUseError

__all__ = ["FLAGS", "VALUED", "Options", "hoisted", "is_for_programs"]

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
            common += [argument, _next(waiting, argument)]
        elif argument in FLAGS or _has_its_value(argument):
            common.append(argument)
        else:
            rest.append(argument)
    return common + rest


def is_for_programs(arguments: Sequence[str]) -> bool:
    """JSON is asked for, in whatever way; true of arguments that can't be read otherwise too."""
    given = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    said = [value for name, value in pairwise([*given, ""]) if name in {"-o", "--output"}]
    said += [each.partition("=")[2] for each in given if each.startswith("--output=")]
    said += [each.removeprefix("-o").removeprefix("=") for each in given if each.startswith("-o")]
    return bool({"json", "ndjson"} & set(said))


def _next(waiting: Iterator[str], option: str) -> str:
    value = next(waiting, None)
    if value is None:
        raise WrongUseError(f"{option}: found no value behind it, wanted one; see meridian --help")
    return value


def _has_its_value(argument: str) -> bool:
    """``--site=keck`` or ``-ojson``."""
    name, found, _ = argument.partition("=")
    return (bool(found) and name in VALUED) or (argument.startswith("-o") and len(argument) > 2)
