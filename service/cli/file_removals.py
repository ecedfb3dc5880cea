"""What may be removed of files: sources whose copies are proven, originals of rejected versions."""

from typing import TYPE_CHECKING

import typer

from service.cli.file_asks import RequestId, Version, ask_of_files
from service.cli.file_commands import app
from service.cli.selecting import DryRun, Rate, Selection, selecting
from service.cli.session import session_of
from service.pace import AT_A_TIME

if TYPE_CHECKING:
    from events.file_removal import What

__all__ = ["delete_original", "delete_source"]


@app.command("delete-source")
@selecting
def delete_source(
    context: typer.Context,
    selection: Selection,
    version: Version = None,
    rate: Rate = AT_A_TIME,
    dry_run: DryRun = False,
    request_id: RequestId = None,
) -> None:
    """Remove what was announced, where the copy is proven and no warning is open; needs --reason."""
    _remove(context, "source", selection, ("COMPLETE",), version, rate, dry_run, request_id)


@app.command("delete-original")
@selecting
def delete_original(
    context: typer.Context,
    selection: Selection,
    version: Version = None,
    rate: Rate = AT_A_TIME,
    dry_run: DryRun = False,
    request_id: RequestId = None,
) -> None:
    """Remove originals of rejected versions from quarantine; needs --reason."""
    _remove(context, "quarantine", selection, ("INVALID", "DISMISSED"), version, rate, dry_run, request_id)


def _remove(
    context: typer.Context,
    what: "What",
    selection: Selection,
    states: tuple[str, ...],
    version: int | None,
    rate: float | None,
    dry_run: bool,
    request_id: str | None,
) -> None:
    from events.file_removal import RemoveFile

    verb = "delete-source" if what == "source" else "delete-original"
    ask_of_files(
        session_of(context), verb, selection, lambda _: RemoveFile(what=what), states=states, version=version,
        rate=rate, dry_run=dry_run, request_id=request_id,
    )  # fmt: skip
