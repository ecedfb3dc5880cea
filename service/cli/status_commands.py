"""``meridian status`` and ``meridian doctor``: how everything stands, and what is wrong with this machine."""

from typing import Annotated

import typer

from service.cli.errors import ToldError
from service.cli.output import Column
from service.cli.session import session_of

__all__ = ["doctor", "status"]

CHECKS = (Column("check"), Column("result"), Column("found"), Column("remedy"))


def status(context: typer.Context) -> None:
    """One screen of health; exit 1 where something needs attention, 3 where a server does not answer."""
    from service.status import status_lines, take

    session = session_of(context)
    with session.client() as client:
        found = take(client)
    session.out.document(found.members(), lines=status_lines(found), ids="site")
    if found.attention:
        raise ToldError("\n".join(found.attention))


def doctor(
    context: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="first make lost passwords of the stopped local stack anew")
    ] = False,
) -> None:
    """Check everything that Meridian needs, each with a remedy; exit 1 where something is wrong."""
    from service.stack.doctor import Outcome, examine
    from service.stack.lost_passwords import make_anew

    session = session_of(context)
    if repair:
        session.out.say(make_anew(session.settings))
    checks = examine(session.settings)
    rows = [
        {
            "check": each.name,
            "result": "ok" if each.outcome is Outcome.FINE else each.outcome.value,
            "found": each.found,
            "remedy": each.remedy or None,
        }
        for each in checks
    ]
    session.out.rows(CHECKS, rows, ids="check")
    wrong = [each for each in checks if each.outcome is Outcome.WRONG]
    if wrong:
        raise ToldError(
            "\n".join(f"{each.name}: {each.found.partition(';')[0]}; {each.remedy}" for each in wrong)
        )
