"""``meridian file preview``: the picture of a file, fetched from the archive; not of a file that is not public."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.errors import AttentionError, WrongUseError
from service.cli.file_commands import One, app, resolved
from service.cli.session import session_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["place_of", "preview"]


@app.command("preview")
def preview(
    context: typer.Context,
    file: One,
    to: Annotated[
        Path | None, typer.Option(help="into this file; the file's own name with .png if not given")
    ] = None,
    embargoed: Annotated[
        bool, typer.Option("--embargoed", help="even of a file under embargo; needs --reason")
    ] = False,
) -> None:
    """The picture of a file, as PNG."""
    session = session_of(context)
    if embargoed:
        session.reason_for("a look at what is not public")
    with session.client() as client, client.engine.connect() as connection:
        name = resolved(connection, file)
        bucket, key = place_of(connection, name, may_see_all=embargoed)
    path = to or Path(f"{name.rpartition('/')[2]}.png")
    if path.exists():
        raise WrongUseError(f"{path}: found a file of this name, wanted none; name another with --to")
    storage = session.wiring.storage()
    try:
        storage.get_to_file(bucket, key, path)
    finally:
        storage.close()
    session.out.say(f"{path}")


def place_of(connection: "Connection", file: str, *, may_see_all: bool) -> tuple[str, str]:
    """Bucket and key; raises AttentionError where there is none, or none to be seen."""
    from projectors.preview import preview_of

    row = preview_of(connection, file)
    if row is None:
        raise AttentionError(
            f"{file} has no preview yet; its stream may want none (previews in its configuration), "
            "or there is other work to be done first"
        )
    if row["code"] is not None:
        raise AttentionError(f"{file} has no preview: {row['code']}, {row['message']}")
    if row["is_embargoed"] and not may_see_all:
        raise AttentionError(
            f"{file} is under embargo; who may see it all the same adds --embargoed --reason '…'"
        )
    return str(row["bucket"]), str(row["object_key"])
