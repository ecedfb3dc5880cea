"""Options that several commands share, written once: a parameter that is a dataclass stands for its fields."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Annotated, Any, get_type_hints

import typer

from service.pace import AT_A_TIME

__all__ = ["DryRun", "How", "IfUnchanged", "OfVersion", "Paced", "Rate", "spread"]

DryRun = Annotated[bool, typer.Option("--dry-run", help="count, and show a few; ask for nothing")]
Rate = Annotated[float, typer.Option("--rate", min=0.1, help="so many a second and no faster")]

_KEYWORD = inspect.Parameter.KEYWORD_ONLY


@dataclass(frozen=True)
class How:
    """How something is asked for."""

    dry_run: DryRun = False
    request_id: Annotated[
        str | None, typer.Option(help="ask again under the id of an earlier try; for one alone")
    ] = None


@dataclass(frozen=True)
class OfVersion(How):
    """How something is asked for that versions have."""

    version: Annotated[
        int | None, typer.Option("--version", help="of this version; the newest if not given")
    ] = None


@dataclass(frozen=True)
class Paced(OfVersion):
    """How something is asked for that makes work, so that not too much comes at once."""

    rate: Rate = AT_A_TIME


@dataclass(frozen=True)
class IfUnchanged(How):
    """How something is asked for that is right only for what was looked at."""

    expected_sequence: Annotated[
        int | None,
        typer.Option(min=0, help="only if this is still its last fact's number; for one alone"),
    ] = None


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """A command for typer whose parameters are all options; it gets its dataclasses filled.

    An option that the command has itself means there what the command says.
    """
    given = inspect.signature(command).parameters
    shared = {name: each.annotation for name, each in given.items() if is_dataclass(each.annotation)}
    own = {name: each.replace(kind=_KEYWORD) for name, each in given.items() if name not in shared}
    members = {
        name: [each.name for each in fields(kind) if each.name not in own] for name, kind in shared.items()
    }
    options = [
        each
        for name, kind in shared.items()
        for each in _options(kind)  # type: ignore[arg-type]
        if each.name in members[name]
    ]

    @functools.wraps(command)
    def run(**values: Any) -> None:
        filled = {
            name: kind(**{each: values.pop(each) for each in members[name]})  # type: ignore[operator]
            for name, kind in shared.items()
        }
        command(**filled, **values)

    parameters = [*own.values(), *options]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _options(kind: type) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(each.name, _KEYWORD, default=_default(each), annotation=hints[each.name])
        for each in fields(kind)
    ]


def _default(field: "Field[Any]") -> Any:
    return inspect.Parameter.empty if field.default is MISSING else field.default
