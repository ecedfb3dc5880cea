"""``meridian schema``: what other languages read, listed, shown, written and held against the code."""

from typing import Annotated

import typer

from service.cli.errors import AttentionError, WrongUseError
from service.cli.output import Column, plain
from service.cli.session import session_of

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
    from service.schema_writer import FOLDER, documents

    out = session_of(context).out
    found = documents()
    if name == "asyncapi":
        out.lines(found["asyncapi.yaml"].splitlines())
        return
    wanted = [path for path in found if path.partition("/")[2].rsplit(".", 2)[0] == name]
    wanted = [path for path in wanted if kind is None or path.startswith(f"{kind}/")]
    if not wanted:
        raise WrongUseError(f"found no schema {name}; meridian schema list shows those there are")
    path = wanted[0]
    if version is not None:
        path = f"{path.rsplit('.', 2)[0]}.{version}.json"
    content = found.get(path) or _earlier(FOLDER / path)
    out.lines(content.splitlines())


def _earlier(place: object) -> str:
    from pathlib import Path

    assert isinstance(place, Path)  # noqa: S101 - a folder and a name
    if not place.exists():
        raise WrongUseError(f"there is no {place.name}; meridian schema list shows those there are")
    return place.read_text("utf-8")


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
