"""``meridian file``: which files there are, what is known of them, and why they stand where they stand."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.errors import AttentionError, WrongUseError
from service.cli.known_values import check_known, check_streams
from service.cli.output import Column
from service.cli.selecting import Selection, read_ids
from service.cli.session import session_of
from service.cli.spreading import spread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from projectors.file_list import Cursor

__all__ = ["FILES", "One", "app", "resolved"]

app = typer.Typer(no_args_is_help=True, help="Files: listed, explained, tried again, held, dismissed.")

FILES = (
    Column("file"),
    Column("state"),
    Column("version", is_number=True, is_minor=True),
    Column("attempt", is_number=True, is_minor=True),
    Column("since_at", "since", is_minor=True),
    Column("code"),
    Column("due_at", "tries again", is_minor=True),
    Column("message", is_text=True),
)
HISTORY = (
    Column("sequence", is_number=True),
    Column("time"),
    Column("type"),
    Column("fromstate", "from"),
    Column("tostate", "to"),
    Column("version", is_number=True, is_minor=True),
    Column("attempt", is_number=True, is_minor=True),
    Column("actor"),
    Column("reason", is_text=True),
    Column("told", is_text=True),
)

ENTRIES = (
    Column("file"),
    Column("standing"),
    Column("manifest"),
    Column("manifest_version", "version", is_number=True, is_minor=True),
    Column("algorithm", is_minor=True),
    Column("sum", is_minor=True),
    Column("found", is_minor=True),
    Column("told_at", "since", is_minor=True),
)
STANDINGS = ("missing", "differs", "not compared", "not read", "agrees")

One = Annotated[
    str, typer.Argument(help="a file as stream/name, or its name if that is enough", metavar="FILE")
]
Several = Annotated[
    list[str], typer.Argument(help="files; - reads them from standard input", metavar="FILE|-")
]


@app.command("list")
@spread
def list_files(
    context: typer.Context,
    selection: Selection,
    limit: Annotated[int, typer.Option(min=1, help="at most so many")] = 200,
    after: Annotated[
        str | None,
        typer.Option(help="the page behind this place, as the former page named it", metavar="PLACE"),
    ] = None,
) -> None:
    """Files by filter, those longest in their state first, a page at a time."""
    from projectors.file_list import Page, file_page
    from projectors.file_search import named

    session = session_of(context)
    place, wanted = _read_place(after), selection.filter()
    with session.client() as client, client.engine.connect() as connection:
        if selection.files:
            page = Page(named(connection, selection.ids), None)
        else:
            wanted = selection.with_where(wanted, connection)
            page = file_page(connection, wanted, after=place, limit=limit, oldest_first=True)
        if not page.files:
            check_known(connection, selection)
    session.out.rows(FILES, page.files, ids="file", empty="no files are like this")
    if page.next is not None:
        session.out.say(f"the first {limit}; there are more: --after '{page.next}', or a greater --limit")


def _read_place(after: str | None) -> "Cursor | None":
    from projectors.file_list import Cursor

    try:
        return None if after is None else Cursor.read(after)
    except ValueError as error:
        raise WrongUseError(
            f"--after {after}: wanted the place that the former page named ({error})"
        ) from error


@app.command("listed")
def listed(
    context: typer.Context,
    manifest: Annotated[str | None, typer.Option(help="as this one names them", metavar="NAME")] = None,
    stream: Annotated[str | None, typer.Option(help="of this stream")] = None,
    standing: Annotated[str | None, typer.Option(help=f"one of {', '.join(STANDINGS)}")] = None,
    limit: Annotated[int, typer.Option(min=1, help="at most so many")] = 200,
) -> None:
    """Files that manifests name, compared with those that came; the ones that never came first."""
    from projectors.manifest_entry import entries

    session = session_of(context)
    if standing is not None and standing not in STANDINGS:
        raise WrongUseError(f"--standing {standing}: wanted one of {', '.join(STANDINGS)}")
    with session.client() as client, client.engine.connect() as connection:
        found = entries(connection, stream=stream, manifest=manifest, standing=standing, limit=limit)
        if not found:
            check_streams(connection, None if stream is None else [stream])
    session.out.rows(ENTRIES, found, ids="file", empty="no manifest names files like this")


@app.command("show")
def show(context: typer.Context, file: One) -> None:
    """All that is known of a file: versions, metadata, checks, warnings, attempts."""
    from projectors.file_story import whole
    from service.cli.showing import shown

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        members = whole(connection, resolved(connection, file))
    session.out.document(members, lines=shown(members), ids="file")


@app.command("history")
def history(
    context: typer.Context,
    file: One,
    limit: Annotated[int | None, typer.Option(help="at most so many, the newest")] = None,
) -> None:
    """What happened to a file, record by record, refusals included."""
    from projectors.file_search import history_of

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        found = history_of(connection, resolved(connection, file), limit=limit)
    session.out.rows(HISTORY, [{**row, "told": told(row)} for row in reversed(found)], ids="event_id")


@app.command("why")
def why(context: typer.Context, files: Several) -> None:
    """Why files stand where they stand, who has to act, and what would help; also for one that never arrived."""
    from service.cli.explaining import explain

    explain(session_of(context), read_ids(files))


def resolved(connection: "Connection", file: str) -> str:
    """The file that is meant, by ``stream/name`` or by its name alone; raises AttentionError or WrongUseError."""
    from projectors.close_names import close_names
    from projectors.file_search import named

    found = [str(row["file"]) for row in named(connection, [file])]
    if file in found:
        return file
    if len(found) > 1:
        raise WrongUseError(f"{file} is the name of {', '.join(found)}; say which")
    if not found:
        close = close_names(connection, file)
        meant = f"; did you mean {', '.join(close)}" if close else ""
        raise AttentionError(f"nothing is known of {file}{meant}; meridian file why {file} says more")
    return found[0]


def told(record: "Mapping[str, Any]") -> str:
    """What a record says, in few words: the problem, or the reasons of a refusal."""
    data = record.get("data") or {}
    if record.get("is_refusal"):
        return f"{data.get('request')} refused: {'; '.join(data.get('reasons', ()))}"
    words = [str(data[name]) for name in ("code", "message") if data.get(name)]
    return ": ".join(words) or str(data.get("text") or "")
