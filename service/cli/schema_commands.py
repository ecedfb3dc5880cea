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
    """Every message there is, with the version of its schema, and versions that records may still have."""
    import json

    from service.schema_writer import documents, kept

    rows = []
    for path, content in sorted((documents() | kept()).items()):
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
    name: Annotated[
        str,
        typer.Argument(
            help="such as file.arrived, inbox/file.arrived.1, /schemas/inbox/file.arrived/1, asyncapi"
        ),
    ],
    version: Annotated[int | None, typer.Argument(help="the newest if not given")] = None,
    kind: Annotated[str | None, typer.Option(help="events, requests, inbox or envelopes")] = None,
) -> None:
    """Print one schema, or the AsyncAPI document."""
    from service.asyncapi import document
    from service.schema_writer import documents, kept

    out = session_of(context).out
    found = documents()
    if name in {"asyncapi", "asyncapi.yaml"}:
        out.document(document(), lines=found["asyncapi.yaml"].splitlines(), ids="asyncapi")
        return
    stem, stated = _taken_apart(name)
    version = stated if version is None else version
    paths = {path.rsplit(".", 2)[0]: path for path in found if path.endswith(".json")}
    newest = {
        each.partition("/")[0]: path
        for each, path in paths.items()
        if stem in {each, each.partition("/")[2]} and kind in {None, each.partition("/")[0]}
    }
    if not newest:
        raise WrongUseError(f"found no schema {name}; meridian schema list shows those there are")
    every = kept() | found
    wanted = {
        each: path if version is None else f"{path.rsplit('.', 2)[0]}.{version}.json"
        for each, path in newest.items()
    }
    known = {each: every[path] for each, path in wanted.items() if path in every}
    if not known:
        raise WrongUseError(
            f"found no version {version} of {stem}, wanted one that is kept; meridian schema list shows those there are"
        )
    shown, *others = known
    out.lines(known[shown].splitlines())
    if others:
        out.say(f"this is the one of {shown}; there is one of {', '.join(others)} too: --kind {others[0]}")


def _taken_apart(name: str) -> tuple[str, int | None]:
    """A name, and the version in it: as it is typed, as schema list has it, or as a dataschema has it."""
    plain = name.removeprefix("/").removeprefix("schemas/").removesuffix(".json")
    stem, _, last = plain.replace("/", ".").rpartition(".")
    if stem and last.isascii() and last.isdigit():
        return plain[: len(stem)], int(last)
    return plain, None


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
