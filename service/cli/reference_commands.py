"""``meridian codes`` and ``meridian formats``: what the words mean that Meridian answers with. They ask no server."""

from typing import Annotated

import typer

from service.cli.errors import ATTENTION, WrongUseError
from service.cli.output import Column, plain
from service.cli.session import session_of

__all__ = ["codes", "formats"]

CODES = tuple(Column(name) for name in ("kind", "code", "says", "cause", "remedy"))
FORMATS = tuple(Column(name) for name in ("name", "role", "media_type", "extensions", "result"))


def codes(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="CODE…", help="such as TRUNCATED; all if none")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="invalid, failed, waiting, refused or warning")] = None,
) -> None:
    """What codes mean: a sentence, the likely cause and a remedy for each."""
    from events.codes import KINDS, explained
    from events.codes import codes as all_codes

    if kind is not None and kind not in KINDS:
        raise WrongUseError(f"--kind {kind}: wanted one of {', '.join(KINDS)}")
    found = all_codes(*(each for each in KINDS if each == kind))
    if names:
        unknown = [name for name in names if explained(name.upper()) is None]
        if unknown:
            raise WrongUseError(f"{', '.join(unknown)}: found no such code; see all with: meridian codes")
        wanted = {name.upper() for name in names} | {f"{name.upper().partition('_')[0]}_*" for name in names}
        found = tuple(each for each in found if each.code in wanted)
    session_of(context).out.rows(
        CODES, [plain(each) for each in found], ids="code", empty="no code of that kind"
    )


def formats(context: typer.Context) -> None:
    """Formats that files can be read in, ours and other packages'; exit 1 where another's was refused."""
    from consumers.formats import FORMATS as KNOWN

    known = [
        {
            "name": each.name,
            "role": each.role,
            "media_type": each.media_type,
            "extensions": " ".join(each.extensions),
            "result": "ok",
        }
        for each in KNOWN.values()
    ]
    refused = [{"name": each.entry, "result": f"refused: {each}"} for each in KNOWN.refused]
    session_of(context).out.rows(FORMATS, [*known, *refused], ids="name")
    if refused:
        raise typer.Exit(ATTENTION)
