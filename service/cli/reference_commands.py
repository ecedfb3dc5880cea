"""``meridian codes`` and ``meridian formats``: what the words mean that Meridian answers with. They ask no server."""

from difflib import get_close_matches
from typing import Annotated

import typer

from service.cli.errors import ToldError, WrongUseError
from service.cli.output import Column, plain
from service.cli.session import session_of

__all__ = ["codes", "formats"]

HALT = "halt"
"""The kind of codes that stand in ``status`` and ``recover``, beside the kinds of ``events.codes``."""

CODES = tuple(Column(name) for name in ("kind", "code", "says", "cause", "remedy"))
FORMATS = tuple(Column(name) for name in ("name", "role", "media_type", "extensions", "result"))


def codes(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="CODE", help="such as TRUNCATED; all if none")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="such as invalid, waiting or halt; all if not given")
    ] = None,
) -> None:
    """What codes mean: a sentence, the likely cause and a remedy for each."""
    from events.codes import KINDS

    kinds = (*KINDS, HALT)
    if kind is not None and kind not in kinds:
        raise WrongUseError(f"--kind {kind}: wanted one of {', '.join(kinds)}")
    rows = [row for row in _known() if kind in {None, row["kind"]}]
    if names:
        meant = {name.upper() for name in names}
        families = {f"{name.partition('_')[0]}_*" for name in meant}
        known = {row["code"] for row in _known()}
        unknown = sorted(name for name in meant if not {name, f"{name.partition('_')[0]}_*"} & known)
        if unknown:
            close = sorted({near for name in unknown for near in get_close_matches(name, known, n=2)})
            meant_perhaps = f"did you mean {', '.join(close)}, or " if close else ""
            raise WrongUseError(
                f"found no such code: {', '.join(unknown)}; {meant_perhaps}see all with: meridian codes"
            )
        rows = [row for row in rows if row["code"] in meant | families]
    session_of(context).out.rows(CODES, rows, ids="code", empty="no code of that kind")


def _known() -> list[dict[str, str]]:
    """Every code there is; those of halts with what leads on from them."""
    from events.codes import codes as of_the_ledger
    from projectors.halt_codes import HALTS

    halts = [
        {
            "kind": HALT,
            "code": code,
            "says": f"A part stands still: {each.happened}.",
            "cause": each.advice,
            "remedy": f"meridian recover --explain, then --apply: {each.will}.",
        }
        for code, each in sorted(HALTS.items())
    ]
    return [*(plain(each) for each in of_the_ledger()), *halts]


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
        names = ", ".join(str(each["name"]) for each in refused)
        raise ToldError(f"the formats {names} were refused; mend or remove the packages that bring them")
