"""``meridian work``: what is owed and not done yet, and giving parked work another try."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.errors import AttentionError, WrongUseError
from service.cli.output import Column
from service.cli.selecting import read_ids, read_time
from service.cli.session import Session, session_of
from service.cli.spreading import DryRun, Rate, spread
from service.pace import AT_A_TIME
from service.wording import counted

if TYPE_CHECKING:
    from consumers.unfinished import Chosen
    from service.client import Ask

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Work that is owed: waiting, under way, parked.")

ITEMS = (
    Column("subject"), Column("effect"), Column("state"), Column("version", is_number=True),
    Column("try_number", "try", is_number=True), Column("created_at", "since"), Column("due_at", "not before"),
    Column("lease_owner", "worker"), Column("last_code", "code"), Column("behind", "behind it", is_number=True),
    Column("why", is_text=True),
)  # fmt: skip
_SAMPLE = 5

Several = list[str] | None


@dataclass(frozen=True)
class Meant:
    """Which work; each field is an option of every command on work."""

    stream: Annotated[Several, typer.Option(help="of this stream; again for more", metavar="STREAM")] = None
    effect: Annotated[
        Several,
        typer.Option(help="such as ingest, transfer or register; again for more", metavar="EFFECT"),
    ] = None
    code: Annotated[Several, typer.Option(help="with this code; again for more", metavar="CODE")] = None
    since: Annotated[
        str | None, typer.Option(help="owed since then: a UTC time, or 2h for two hours ago")
    ] = None
    until: Annotated[str | None, typer.Option(help="owed since before then")] = None

    def parked(self, subjects: Several = None) -> "Chosen":
        """What is parked and fits."""
        from consumers.unfinished import Chosen

        now = datetime.now(UTC)
        return Chosen(
            states=("parked",),
            subjects=subjects,
            streams=self.stream,
            effects=self.effect,
            codes=[each.upper() for each in self.code or ()],
            since=read_time(self.since, now=now, option="--since"),
            until=read_time(self.until, now=now, option="--until"),
        )


@app.command("list")
@spread
def list_work(
    context: typer.Context,
    meant: Meant,
    *,
    parked: Annotated[bool, typer.Option("--parked", help="only what waits for a person")] = False,
    limit: Annotated[int, typer.Option(help="at most so many")] = 200,
) -> None:
    """Work items that are not done, the oldest first, each with how many wait behind it."""
    from consumers.unfinished import unfinished

    session = session_of(context)
    chosen = meant.parked()
    if not parked:
        chosen = replace(chosen, states=("open", "leased", "reported", "parked"))
    with session.client() as client, client.engine.connect() as connection:
        rows = unfinished(connection, chosen, limit=limit + 1)
    session.out.rows(ITEMS, [_shown(row) for row in rows[:limit]], ids="subject", empty="nothing is owed")
    if len(rows) > limit:
        session.out.say(
            f"the oldest {limit}; there are more: narrow it by a filter, or give a greater --limit"
        )


@app.command("redrive")
@spread
def redrive(
    context: typer.Context,
    meant: Meant,
    subjects: Annotated[
        Several,
        typer.Argument(help="files or streams; - reads them from standard input", metavar="SUBJECT|-"),
    ] = None,
    *,
    rate: Rate = AT_A_TIME,
    dry_run: DryRun = False,
) -> None:
    """Give parked work another try, once its cause is gone; needs --reason. Asked as a request of each subject."""
    from consumers.unfinished import unfinished
    from service.cli.asking import ask_and_tell

    session = session_of(context)
    wanted = read_ids(subjects or ())
    if not wanted and meant == Meant():
        raise WrongUseError(
            "found neither subjects nor a filter, wanted stream/name, - , or --stream, --code …"
        )
    chosen = meant.parked(wanted)
    with session.client() as client, client.engine.connect() as connection:
        rows = unfinished(connection, chosen)
    if not rows:
        raise AttentionError(
            "found no parked work like this; meridian work list --parked shows what there is"
        )
    if dry_run:
        _would(session, rows)
        return
    session.reason_for("work redrive")
    asks = _asks(rows)
    if not wanted and len(asks) > _SAMPLE:
        session.confirm(f"redrive the parked work of {len(asks)} subjects?")
    ask_and_tell(session, asks, rate=rate)


def _would(session: Session, rows: list[dict[str, Any]]) -> None:
    """What a redrive would do, by effect and code, with a few of them."""
    session.out.rows(ITEMS, [_shown(row) for row in rows[:_SAMPLE]], ids="subject")
    for (effect, code), count in Counter((row["effect"], row["last_code"]) for row in rows).most_common():
        session.out.say(f"{counted(count, 'item')} would be tried again: {effect}, parked for {code}")
    behind = sum(row["behind"] for row in rows)
    session.out.say(f"{counted(behind, 'item')} behind them would follow; nothing was asked")


def _asks(rows: list[dict[str, Any]]) -> "list[Ask]":
    from events.file_requests import RedriveFile
    from events.stream import RedriveStream
    from service.client import Ask

    subjects = dict.fromkeys(str(row["subject"]) for row in rows)
    return [Ask(each, RedriveFile() if "/" in each else RedriveStream()) for each in subjects]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "why": row["parked_reason"] or row["last_error"]}
