"""``meridian projection``: what is filled beside the live views, compared with them, swapped in and back, dropped."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.errors import AttentionError, ToldError, WrongUseError
from service.cli.output import Column
from service.cli.rebuilding import names_of, rebuilding
from service.cli.session import Session, session_of

if TYPE_CHECKING:
    from projectors.rebuild_compare import Difference
    from service.rebuild import Verified

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Views filled anew beside the live ones: compare, swap, roll back, drop."
)

Wait = Annotated[float, typer.Option(help="seconds to try for while queries use the views", min=0.0)]

TARGETS = (
    Column("schema"), Column("kind"), Column("state"), Column("read_models", is_text=True),
    Column("behind", is_number=True), Column("rows", is_number=True), Column("size_mb", "MB", is_number=True),
    Column("fold_versions", "code"), Column("filled_at", "filled"), Column("message", is_text=True, is_minor=True),
)  # fmt: skip

TABLES = (
    Column("table"), Column("equal"), Column("rows_live", "rows live", is_number=True),
    Column("rows_rebuilt", "rows rebuilt", is_number=True), Column("digest_live", "digest live"),
    Column("digest_rebuilt", "digest rebuilt"), Column("differing", is_number=True),
    Column("ranges", "ranges that differ", is_text=True),
)  # fmt: skip


@app.command("list")
def list_targets(context: typer.Context) -> None:
    """The live views and everything that is filled beside them."""
    from projectors.rebuild_standing import standing

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        rows = [each.as_row() for each in standing(connection)]
    session.out.rows(TARGETS, rows, ids="schema")


@app.command("status")
def status(context: typer.Context) -> None:
    """What stands beside the live views, how far it is, and what can be done next; exit code 1 if it is broken."""
    from projectors.rebuild_standing import standing

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        found = standing(connection)
    lines = [line for each in found for line in each.in_words()]
    session.out.document(
        {"projections": [each.as_row() for each in found]}, lines=lines, ids="projections.schema"
    )
    broken = [each.schema for each in found if each.state == "broken"]
    if broken:
        raise ToldError(
            f"{', '.join(broken)} can't be filled any further; drop it with meridian projection drop"
        )


@app.command("verify")
def verify(
    context: typer.Context,
    projection: Annotated[str, typer.Argument(help="one read model by its name, or all")] = "all",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="against a fold made for it now, even if there is a standby")
    ] = False,
    rows: Annotated[
        bool, typer.Option("--rows", help="compare row by row also where digests are equal")
    ] = False,
) -> None:
    """Compare the live views with the standby, else with a fresh fold of the ledger; exit code 1 if they differ."""
    session = session_of(context)
    names = names_of(projection)
    with rebuilding(session) as rebuild:
        found = rebuild.verify(names, fresh=fresh, every_row=rows)
    _show(session, found)
    if found.differing:
        subjects = sorted({each.subject for table in found.differing for each in table.differences})
        raise AttentionError(
            f"the live views and {found.against} differ in {', '.join(each.table for each in found.differing)}, at "
            f"equal positions; subjects: {', '.join(subjects[:20])}"
        )


@app.command("swap")
def swap(context: typer.Context, wait: Wait = 15.0) -> None:
    """Make the rebuilt views the live ones, in one transaction. The former ones stay beside them and are fed on.

    Refused where the same code gave other rows; where another version filled the live ones, the difference is shown
    and asked about.
    """
    session = session_of(context)

    def agreed(found: "Verified") -> bool:
        _show(session, found)
        session.confirm("another version of the code gives these rows; make them live?")
        return True

    with rebuilding(session) as rebuild:
        found = rebuild.swap(agreed=agreed, wait_s=wait)
    members = {
        "swapped": found.against, "live": "projection", "equal": not found.differing,
        "differing": {each.table: each.count for each in found.differing},
    }  # fmt: skip
    lines = [
        f"the rebuilt views are live; the former ones are in {found.against}, fed on until dropped",
        "back with: meridian projection rollback; done with them: meridian projection drop",
    ]
    session.out.document(members, lines=lines, ids="swapped")


@app.command("rollback")
def rollback(context: typer.Context, wait: Wait = 15.0) -> None:
    """Make the views live again that were so before the swap; they know everything that came since."""
    session = session_of(context)
    session.confirm("make the former views the live ones again?")
    with rebuilding(session) as rebuild:
        target = rebuild.rollback(wait_s=wait)
    lines = [f"the former views are live again; the rebuilt ones are in {target.schema_name}"]
    session.out.document({"rolled_back": target.schema_name}, lines=lines, ids="rolled_back")


@app.command("drop")
def drop(
    context: typer.Context,
    schema: Annotated[str, typer.Argument(help="the standby if not given; list shows what there is")] = "",
) -> None:
    """Drop what is filled beside the live views. Nothing is lost: the ledger can be folded again."""
    from projectors.rebuild_targets import STANDBY

    session = session_of(context)
    name = schema or STANDBY
    if name == "projection":
        raise WrongUseError(
            "projection is live, wanted a schema beside it; meridian projection list shows them"
        )
    session.confirm(f"drop {name}?")
    with rebuilding(session) as rebuild:
        rebuild.drop(name)
    session.out.document({"dropped": name}, lines=[f"{name} is dropped"], ids="dropped")


def _show(session: Session, found: "Verified") -> None:
    rows = [
        {
            "table": each.table,
            "equal": each.is_equal,
            "rows_live": each.rows_live,
            "rows_rebuilt": each.rows_rebuilt,
            "digest_live": each.digest_live,
            "digest_rebuilt": each.digest_rebuilt,
            "differing": each.count,
            "ranges": list(each.ranges),
            "against": found.against,
            "positions": {f"{machine}/{partition}": end for (machine, partition), end in found.ends.items()},
            "differences": [_difference(one) for one in each.differences],
        }
        for each in found.tables
    ]
    session.out.rows(TABLES, rows, ids="table")
    for each in found.differing:
        for one in each.differences[:10]:
            session.out.say(str(one))
        if each.count > 10:
            session.out.say(f"{each.table}: {each.count} rows in all")


def _difference(one: "Difference") -> dict[str, Any]:
    return {
        "subject": one.subject, "key": one.key, "kind": one.kind, "columns": one.columns, "live": one.live,
        "rebuilt": one.rebuilt,
    }  # fmt: skip
