"""``meridian work``: what is owed and not done yet, and giving parked work another try."""

from typing import Annotated, Any

import typer

from service.cli.errors import AttentionError
from service.cli.output import Column
from service.cli.session import session_of

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Work that is owed: waiting, under way, parked.")

ITEMS = (
    Column("subject"), Column("effect"), Column("state"), Column("version", is_number=True),
    Column("try_number", "try", is_number=True), Column("created_at", "since"), Column("due_at", "not before"),
    Column("lease_owner", "worker"), Column("last_code", "code"), Column("why", is_text=True),
)  # fmt: skip


@app.command("list")
def list_work(
    context: typer.Context,
    stream: Annotated[str | None, typer.Option(help="only of this stream")] = None,
    parked: Annotated[bool, typer.Option("--parked", help="only what waits for a person")] = False,
    limit: Annotated[int, typer.Option(help="at most so many")] = 200,
) -> None:
    """Work items that are not done, the oldest first."""
    from consumers.unfinished import unfinished

    session = session_of(context)
    states = ("parked",) if parked else ("open", "leased", "reported", "parked")
    with session.client() as client, client.engine.connect() as connection:
        rows = unfinished(connection, states=states, stream=stream, limit=limit)
    shown = [{**row, "why": row["parked_reason"] or row["last_error"]} for row in rows]
    session.out.rows(ITEMS, shown, ids="subject", empty="nothing is owed")


@app.command("redrive")
def redrive(
    context: typer.Context,
    subjects: Annotated[
        list[str],
        typer.Argument(help="files or streams; - reads them from standard input", metavar="SUBJECT…"),
    ],
) -> None:
    """Give parked work another try, once its cause is gone; needs --reason, kept as a note with each file."""
    from consumers.unfinished import unfinished
    from consumers.work_items import Key, notify, redrive
    from events.file_requests import NoteFile
    from service.cli.selecting import read_ids
    from service.client import Ask

    session = session_of(context)
    reason = session.reason_for("work redrive")
    wanted = read_ids(subjects)
    with session.client() as client:
        with client.engine.connect() as connection:
            parked = [row for row in unfinished(connection, states=("parked",)) if row["subject"] in wanted]
        files = sorted({str(row["subject"]) for row in parked if "/" in str(row["subject"])})
        client.ask([Ask(file, NoteFile(text=f"work redriven: {reason}")) for file in files])
        with client.engine.begin() as connection:
            count = redrive(connection, [Key(str(row["event_id"]), str(row["effect"])) for row in parked])
            notify(connection)
    if not parked:
        raise AttentionError(
            f"found no parked work of {', '.join(wanted)}; meridian work list --parked shows what there is"
        )
    done: dict[str, Any] = {"redriven": count, "subjects": sorted({str(row["subject"]) for row in parked})}
    session.out.document(done, lines=[f"{count} items get another try"], ids="redriven")
