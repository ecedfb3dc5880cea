"""``meridian op``: observing programs, from the catalogue that names them to what is published of them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.errors import AttentionError
from service.cli.output import Column
from service.cli.session import session_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OneOp", "app"]

app = typer.Typer(
    no_args_is_help=True, help="Observing programs: scanned, judged by other criteria, claimed, published."
)

HISTORY = (
    Column("sequence", is_number=True),
    Column("time"),
    Column("type"),
    Column("fromstate", "from"),
    Column("tostate", "to"),
    Column("attempt", is_number=True, is_minor=True),
    Column("actor"),
    Column("reason", is_text=True),
    Column("told", is_text=True),
)

OneOp = Annotated[str, typer.Argument(help="an observing program's execution id", metavar="OP")]


@app.command("history")
def history(
    context: typer.Context,
    op: OneOp,
    limit: Annotated[int | None, typer.Option(help="at most so many, the newest")] = None,
) -> None:
    """What happened to an observing program, record by record, refusals included."""
    from projectors.file_search import history_of

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        found = history_of(connection, op, machine="op", limit=limit)
    if not found:
        raise AttentionError(
            f"nothing is known of the observing program {op}; meridian op scan SOURCE finds those of a catalogue"
        )
    session.out.rows(HISTORY, [{**row, "told": told(row)} for row in reversed(found)], ids="event_id")


def told(record: "Mapping[str, Any]") -> str:
    """What a record says, in few words."""
    data = record.get("data") or {}
    if record.get("is_refusal"):
        return f"{data.get('request')} refused: {'; '.join(data.get('reasons', ()))}"
    words = [*_counts(data), *_programs(data), *_verdict(data)]
    words += [f"{_NAMED[name]}{data[name]}" for name in _NAMED if data.get(name) not in (None, "", [], {})]
    return ", ".join(words)


_NAMED = {
    "code": "", "message": "", "claimant": "by ", "former": "after ", "lease_until": "until ", "reviewer": "by ",
    "step": "step ", "text": "", "note": "", "owner": "owner ", "due_at": "due ", "priority": "priority ",
    "because": "", "found": "", "reasons": "", "identifier": "",
}  # fmt: skip


def _counts(data: "Mapping[str, Any]") -> list[str]:
    lists = {
        "datasets": "datasets",
        "added": "added",
        "changed": "changed",
        "gone": "gone",
        "metadata": "metadata",
    }
    return [f"{len(data[name])} {word}" for name, word in lists.items() if data.get(name)]


def _programs(data: "Mapping[str, Any]") -> list[str]:
    if data.get("program"):
        return [str(data["program"])]
    return [f"{each['program']} {each['state']}" for each in data.get("programs") or ()]


def _verdict(data: "Mapping[str, Any]") -> list[str]:
    verdict = data.get("verdict")
    if not verdict:
        return []
    short = {each["name"] for each in verdict.get("findings", ()) if not each["passed"] and each["required"]}
    against = f" for {', '.join(sorted(short))}" if short else ""
    return [f"{verdict['outcome']} by {verdict['criteria']} v{verdict['criteria_version']}{against}"]
