"""``meridian schema``: what other languages read, listed, shown, written and held against the code."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.errors import AttentionError, WrongUseError
from service.cli.output import Column, plain
from service.cli.session import session_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="JSON Schemas of every message, and the AsyncAPI document.")

COLUMNS = (Column("kind"), Column("name"), Column("version", is_number=True), Column("description"))


@app.command("list")
def list_schemas(context: typer.Context) -> None:
    """Every message there is, with the version of its schema."""
    import json

    from service.schema_writer import documents

    rows = []
    for path, content in documents().items():
        if path.endswith(".json"):
            kind, _, file = path.partition("/")
            name, version, _ = file.rsplit(".", 2)
            text = json.loads(content)["description"]
            rows.append(
                {"path": path, "kind": kind, "name": name, "version": int(version), "description": text}
            )
    session_of(context).out.rows(COLUMNS, rows, ids="path")


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="such as file.arrived, or asyncapi")],
    version: Annotated[int | None, typer.Argument(help="the newest if not given")] = None,
    kind: Annotated[str | None, typer.Option(help="events, requests, inbox or envelopes")] = None,
) -> None:
    """Print one schema, or the AsyncAPI document."""
    from service.schema_writer import documents

    out = session_of(context).out
    found = documents()
    if name == "asyncapi":
        out.lines(found["asyncapi.yaml"].splitlines())
        return
    newest = {
        path.partition("/")[0]: path for path in found if path.partition("/")[2].rsplit(".", 2)[0] == name
    }
    chosen = {each: path for each, path in newest.items() if kind in {None, each}}
    if not chosen:
        raise WrongUseError(f"found no schema {name}; meridian schema list shows those there are")
    contents = {each: _of_version(found, path, version) for each, path in chosen.items()}
    known = {each: content for each, content in contents.items() if content is not None}
    if not known:
        raise WrongUseError(
            f"found no version {version} of {name}, wanted one that is kept; meridian schema list shows those there are"
        )
    shown, *others = known
    out.lines(known[shown].splitlines())
    if others:
        out.say(f"this is the one of {shown}; there is one of {', '.join(others)} too: --kind {others[0]}")


def _of_version(found: "Mapping[str, str]", newest: str, version: int | None) -> str | None:
    """The newest, or the one of that version, from the code or kept from before."""
    from service.schema_writer import FOLDER

    path = newest if version is None else f"{newest.rsplit('.', 2)[0]}.{version}.json"
    if path in found:
        return found[path]
    return (FOLDER / path).read_text("utf-8") if (FOLDER / path).exists() else None


@app.command("write")
def write(context: typer.Context) -> None:
    """Write schemas/ anew from the code."""
    from service import schema_writer

    out = session_of(context).out
    changed = schema_writer.write()
    out.rows(
        (Column("path"),),
        [{"path": path} for path in changed],
        ids="path",
        empty="nothing to write: all is current",
    )


@app.command("check")
def check(context: typer.Context) -> None:
    """Hold schemas/ against the code; exit 1 where they differ."""
    from service import schema_writer

    differences = schema_writer.differences()
    out = session_of(context).out
    out.rows(
        (Column("difference"),),
        [{"difference": plain(each)} for each in differences],
        ids="difference",
        empty="",
    )
    if differences:
        raise AttentionError(
            f"{len(differences)} files in schemas/ are not what the code says; meridian schema write mends it"
        )
    out.say(f"all {len(schema_writer.documents())} files in schemas/ are what the code says")
