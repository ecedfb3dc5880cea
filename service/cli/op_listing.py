"""``meridian op list`` and ``show``: which observing programs there are, and all that is known of one."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.errors import AttentionError, WrongUseError
from service.cli.op_commands import OneOp, app
from service.cli.output import Column
from service.cli.selecting import read_time
from service.cli.session import session_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["list_ops", "show"]

OPS = (
    Column("op"),
    Column("state"),
    Column("since_at", "since", is_minor=True),
    Column("instruments"),
    Column("programs", is_number=True, is_minor=True),
    Column("datasets", is_number=True, is_minor=True),
    Column("claimed_by", is_minor=True),
    Column("owner"),
    Column("owner_due_at", "due", is_minor=True),
    Column("overdue_to", "overdue told", is_minor=True),
    Column("is_held", "held", is_minor=True),
    Column("code"),
    Column("due_at", "tries again", is_minor=True),
    Column("message", is_text=True),
)

States = Annotated[
    list[str] | None, typer.Option("--state", help="in this state; again for more", metavar="STATE")
]
Instruments = Annotated[
    list[str] | None, typer.Option("--instrument", help="with a program of this instrument; again for more")
]
Programs = Annotated[
    list[str] | None,
    typer.Option("--program", help="with this instrument program; again for more", metavar="PROGRAM"),
]
Proposals = Annotated[
    list[str] | None, typer.Option("--proposal", help="of this proposal; again for more", metavar="PROPOSAL")
]
Experiments = Annotated[
    list[str] | None,
    typer.Option("--experiment", help="of this experiment; again for more", metavar="EXPERIMENT"),
]
Owners = Annotated[list[str] | None, typer.Option("--owner", help="whose it is; again for more")]


@app.command("list")
def list_ops(  # noqa: PLR0913, PLR0917 - each is an option
    context: typer.Context,
    state: States = None,
    instrument: Instruments = None,
    program: Programs = None,
    owner: Owners = None,
    proposal: Proposals = None,
    experiment: Experiments = None,
    since: Annotated[
        str | None, typer.Option(help="in its state since then: a UTC time, or 2h for two hours ago")
    ] = None,
    until: Annotated[str | None, typer.Option(help="in its state since before then")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="not published, though it was due")] = False,
    limit: Annotated[int, typer.Option(min=1, help="at most so many")] = 200,
) -> None:
    """Observing programs by filter, those longest in their state first."""
    from projectors.op_list import OpFilter, op_page

    session, now = session_of(context), datetime.now(UTC)
    wanted = OpFilter(
        states=_states(state or ()),
        instruments=tuple(instrument or ()),
        programs=tuple(program or ()),
        owners=tuple(owner or ()),
        overdue=overdue,
        proposals=tuple(proposal or ()),
        experiments=tuple(experiment or ()),
        since=read_time(since, now=now, option="--since"),
        until=read_time(until, now=now, option="--until"),
    )
    with session.client() as client, client.engine.connect() as connection:
        page = op_page(connection, wanted, limit=limit)
    session.out.rows(OPS, page.ops, ids="op", empty="no observing programs are like this")
    if page.next is not None:
        session.out.say(f"the first {limit}; there are more, --limit shows them")


@app.command("show")
def show(context: typer.Context, op: OneOp) -> None:
    """All that is known of an observing program: its programs, datasets, verdicts, attempts, whom it waited for."""
    from projectors.op_story import whole
    from service.cli.op_showing import op_shown

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        members = whole(connection, op)
        if members is None:
            raise AttentionError(_unknown(connection, op))
    session.out.document(members, lines=op_shown(members), ids="op")


def _unknown(connection: "Connection", op: str) -> str:
    from projectors.op_search import close_ops

    close = close_ops(connection, op)
    meant = f"; did you mean {', '.join(close)}" if close else ""
    return f"nothing is known of the observing program {op}{meant}; meridian op why {op} says more"


def _states(given: Iterable[str]) -> tuple[str, ...]:
    """As operations spell them, whatever the case; raises WrongUseError for one that there is not."""
    from machines.op_state import OpState

    known = {each.value.casefold(): each.value for each in OpState if each.is_known}
    for each in given:
        if each.casefold() not in known:
            raise WrongUseError(f"--state {each}: wanted one of {', '.join(known.values())}")
    return tuple(known[each.casefold()] for each in given)
