"""``meridian demo``: the main job on real input, end to end, with a summary at the end."""

import sys
from typing import Annotated

import typer

from service.cli.errors import AttentionError, ToldError
from service.cli.session import session_of

__all__ = ["demo"]


def demo(
    context: typer.Context,
    files: Annotated[int, typer.Option(help="good files, besides one of each mishap", min=3)] = 64,
    full: Annotated[bool, typer.Option("--full", help="files of the size that telescopes write")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="keep the landed files of earlier nights, archived or not")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="this night again; a new one each time if not given")
    ] = None,
) -> None:
    """Start everything, make a night of real files, take it in, and say what became of each; exit 1 on a surprise."""
    from service.demo.progress import Progress
    from service.demo.run import NotPossibleError, run_demo
    from service.demo.summary import members_of, summary
    from service.looking import psql_line

    session = session_of(context)
    progress = Progress(session.out, is_terminal=sys.stderr.isatty())
    try:
        result = run_demo(
            session.settings,
            files=files,
            full=full,
            keep=keep,
            seed=seed,
            actor=session.actor,
            progress=progress,
        )
    except NotPossibleError as error:
        raise AttentionError(str(error)) from error
    way = psql_line(session.settings)
    session.out.document(members_of(result), lines=summary(result, psql=way), ids="seed")
    if result.differences:
        raise ToldError("the night did not come out as it should; the answer has the differences")
