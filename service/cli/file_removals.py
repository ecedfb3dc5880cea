"""What may be removed of files: sources whose copies are proven, originals of rejected versions."""

import typer

from service.cli.file_asks import ask_of_files
from service.cli.file_commands import app
from service.cli.selecting import Selection
from service.cli.spreading import Paced, spread

__all__ = ["delete_original", "delete_source"]


@app.command("delete-source")
@spread
def delete_source(context: typer.Context, how: Paced, selection: Selection) -> None:
    """Remove what was announced, where the copy is proven and no warning is open; needs --reason."""
    from events.file_removal import RemoveFile

    request = RemoveFile(what="source")
    ask_of_files(context, "delete-source", selection, how, lambda _: request, states=("COMPLETE",))


@app.command("delete-original")
@spread
def delete_original(context: typer.Context, how: Paced, selection: Selection) -> None:
    """Remove originals of rejected versions from quarantine; needs --reason."""
    from events.file_removal import RemoveFile

    request, states = RemoveFile(what="quarantine"), ("INVALID", "DISMISSED")
    ask_of_files(context, "delete-original", selection, how, lambda _: request, states=states)
