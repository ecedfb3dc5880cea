"""``meridian op next`` and ``why``: what there is to work on in which order, and why programs stand where they do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.errors import ToldError, WrongUseError
from service.cli.op_commands import app
from service.cli.output import Column, plain
from service.cli.selecting import read_ids
from service.cli.session import Session, session_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from machines.program.ranking import Ranking
    from service.op_why import OpWhy

__all__ = ["answer_of", "op_next", "why"]

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
    Column("owner_due_at", "due", is_minor=True),
    Column("overdue_to", "overdue told", is_minor=True),
    Column("waiting_since_at", "waits since", is_minor=True),
    Column("frames", is_number=True, is_minor=True),
    Column("why", is_text=True),
)
WHY = tuple(Column(name) for name in ("subject", "state", "since_at", "because", "who", "again_at", "close"))

SeveralOps = Annotated[
    list[str],
    typer.Argument(help="observing programs; - reads them from standard input", metavar="OP|-"),
]


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
        at = now_of(connection)
        queue = queued(connection, by, at=at, limit=limit)
    rows = ranked(queue.rows, by, at=at)
    session.out.rows(QUEUE, rows, ids="op", empty="nothing can be claimed now")
    session.out.say(f"ranked by {by.name} v{by.version}")
    if queue.length > len(rows):
        session.out.say(f"the first {len(rows)} of {queue.length}; --limit shows more")
    if rows:
        session.out.say(f"meridian op claim {rows[0]['op']} --program {rows[0]['program']} takes the first")


@app.command("why")
def why(context: typer.Context, ops: SeveralOps) -> None:
    """Where each program of them stands, what is not met and by how much, who has to act, and what would help."""
    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        answers = [answer_of(connection, op) for op in read_ids(ops)]
    _explain(session, answers)
    unknown = [each.subject for each in answers if each.state is None]
    if unknown:
        raise ToldError(f"nothing is known of {', '.join(unknown)}; meridian op list shows those there are")


def answer_of(connection: "Connection", op: str) -> "OpWhy":
    """Why this observing program stands where it stands; ``state`` None where nothing is known of it."""
    from projectors.op_search import close_ops
    from projectors.op_story import gather
    from service.op_why import OpStory, op_why, unknown_op

    found = gather(connection, op)
    return unknown_op(op, close_ops(connection, op)) if found is None else op_why(OpStory(**found))


def _explain(session: Session, answers: "list[OpWhy]") -> None:
    from service.op_why_text import lines_of

    out = session.out
    lines = [line for at, each in enumerate(answers) for line in (*([""] if at else []), *lines_of(each))]
    if out.form == "table":
        out.lines(lines)
    elif out.form in {"csv", "ids"} or len(answers) != 1:
        out.rows(WHY, [plain(each) for each in answers], ids="subject")
    else:
        out.document(plain(answers[0]), lines=lines, ids="subject")


def _weights(path: Path | None) -> "Ranking":
    """The weights of the queue; raises WrongUseError naming each member that is wrong."""
    from consumers.policies import PolicyFileError, ranking

    try:
        return ranking(path)
    except PolicyFileError as error:
        raise WrongUseError(str(error)) from error
