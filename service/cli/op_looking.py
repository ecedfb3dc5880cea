"""``meridian op next``: which observing programs there are to work on, and why in this order."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.errors import WrongUseError
from service.cli.op_commands import app
from service.cli.output import Column
from service.cli.session import session_of

if TYPE_CHECKING:
    from machines.program.ranking import Ranking

__all__ = ["op_next"]

QUEUE = (
    Column("rank", is_number=True),
    Column("op"),
    Column("program"),
    Column("score", is_number=True),
    Column("points_mark", "mark", is_number=True),
    Column("points_priority", "priority", is_number=True),
    Column("points_age", "age", is_number=True),
    Column("points_size", "size", is_number=True),
    Column("points_instrument", "instrument", is_number=True),
    Column("owner", is_minor=True),
    Column("waiting_since_at", "waits since", is_minor=True),
    Column("frames", is_number=True, is_minor=True),
    Column("why", is_text=True),
)


@app.command("next")
def op_next(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="at most so many")] = 20,
    weights: Annotated[
        Path | None,
        typer.Option("--ranking", help="by these weights, TOML or JSON; those shipped if not given"),
    ] = None,
) -> None:
    """What can be claimed, first the next one: its score with every term; without what is held or claimed."""
    from projectors.op_search import now_of, queued
    from service.op_queue import ranked

    session = session_of(context)
    by = _weights(weights)
    with session.client() as client, client.engine.connect() as connection:
        rows = ranked(queued(connection), by, at=now_of(connection))
    session.out.rows(QUEUE, rows[:limit], ids="op", empty="nothing can be claimed now")
    session.out.say(f"ranked by {by.name} v{by.version}")
    if len(rows) > limit:
        session.out.say(f"the first {limit} of {len(rows)}; --limit shows more")
    if rows:
        session.out.say(f"meridian op claim {rows[0]['op']} --program {rows[0]['program']} takes the first")


def _weights(path: Path | None) -> "Ranking":
    """The weights of the queue; raises WrongUseError naming each member that is wrong."""
    from consumers.policies import PolicyFileError, ranking

    try:
        return ranking(path)
    except PolicyFileError as error:
        raise WrongUseError(str(error)) from error
