"""``meridian replay``: the views filled anew from the ledger, beside the live ones or as they were at some moment."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.errors import WrongUseError
from service.cli.rebuilding import names_of, rebuilding, span
from service.cli.selecting import read_time
from service.cli.session import Session, session_of

if TYPE_CHECKING:
    from service.rebuild import Refilled

__all__ = ["replay"]


def replay(
    context: typer.Context,
    projection: Annotated[
        str, typer.Argument(help="one read model by its name, or all", metavar="PROJECTION|all")
    ],
    until: Annotated[
        str | None,
        typer.Option(help="as of this moment (a UTC time, or 2h for two hours ago), in a schema of its own"),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(help="so many at once; one a core if not given", min=1)
    ] = None,
) -> None:
    """Fill tables from the ledger beside the live ones; meridian projection swap then makes them live.

    Nothing is written but these tables. Interrupted, the same command goes on where it was.
    """
    session = session_of(context)
    names = names_of(projection)
    moment = read_time(until, now=datetime.now(UTC), option="--until")
    if moment is not None and moment > datetime.now(UTC):
        raise WrongUseError(f"--until {until}: found a moment that has not come yet, wanted one of the past")
    with rebuilding(session, processes=processes) as rebuild:
        _say(session, rebuild.replay(names, until=moment))


def _say(session: Session, done: "Refilled") -> None:
    target = done.target
    rate = done.records / done.seconds if done.seconds else 0.0
    members = {
        "event": "done", "schema": target.schema_name, "kind": target.kind, "tables": target.tables,
        "until": target.until_at, "records": done.records, "seconds": round(done.seconds, 3), "rate": round(rate, 1),
        "processes": done.processes, "rss_mb": done.rss_mb, "fold_version": target.fold_version, "views": done.views,
    }  # fmt: skip
    cost = f"{rate:,.0f} a second, {done.processes} at once, at most {done.rss_mb} MB each"
    lines = [f"{target.schema_name}: {done.records:,} records in {span(done.seconds)} ({cost})"]
    if done.views is not None:
        lines += [
            f"the views as of {target.until_at:%Y-%m-%d %H:%M:%S} UTC are in schema {done.views}:",
            f"  {_psql(session, done.views)}",
            f"drop them with: meridian projection drop {target.schema_name}",
        ]
    else:
        lines += [
            "it is fed on from now; look at it with: meridian projection verify",
            "then: meridian projection swap",
        ]
    session.out.document(members, lines=lines, ids="schema")


def _psql(session: Session, views: str) -> str:
    """How to look at them; the password is left for whoever asks to know."""
    from sqlalchemy import make_url

    address = make_url(session.wiring.endpoints.database).set(drivername="postgresql", password=None)
    return f'PGOPTIONS="-c search_path={views}" psql "{address.render_as_string()}"'
