"""``meridian export`` and ``import``: a site's ledger as NDJSON, and back into empty servers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.errors import AttentionError
from service.cli.rebuilding import span
from service.cli.session import session_of

if TYPE_CHECKING:
    from service.transplant.manifest import Manifest

__all__ = ["bring_in", "export"]


def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="a new folder; it is there when it is whole", metavar="DIR")],
) -> None:
    """Write the ledger, and what can't be made from it, as NDJSON in order, with sums; also while a site runs."""
    from service.transplant.taking import Export

    session, began = session_of(context), time.monotonic()
    taking = Export(session.wiring, session.out.say)
    try:
        with _refusals("nothing is left behind; start it again"):
            manifest = taking.run(folder)
    finally:
        taking.close()
    lines = [
        f"{folder}: {_counted(manifest)} in {len(manifest.parts)} files, {span(time.monotonic() - began)}",
        f"its digest is {manifest.digest}",
    ]
    if manifest.was_moving:
        lines.append("the site went on meanwhile: what was decided since is not in it")
    lines.append(f"into empty servers of the site {manifest.site}: meridian import {folder}")
    session.out.document(_members(folder, manifest), lines=lines, ids="digest")


def bring_in(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="what meridian export has written", metavar="DIR")],
) -> None:
    """Bring an export into the empty servers of its site, so that it can go on; needs --reason. Killed, it goes on."""
    from service.transplant.bringing import Import

    session, began = session_of(context), time.monotonic()
    reason = session.reason_for("import")
    bringing = Import(session.wiring, session.out.say)
    try:
        with _refusals("the same command goes on where it was"):
            manifest = bringing.run(folder, actor=session.actor, reason=reason)
    finally:
        bringing.close()
    lines = [
        f"{_counted(manifest)} brought in, {span(time.monotonic() - began)}",
        "views and work are as they were; the decider reads the ledger once more when it begins: meridian up",
        "then: meridian audit",
    ]
    session.out.document(_members(folder, manifest), lines=lines, ids="digest")


@contextmanager
def _refusals(interrupted: str) -> Iterator[None]:
    """What is refused becomes a message and exit code 1."""
    from projectors.halt import FollowerError
    from service.transplant.manifest import TransplantError

    try:
        yield
    except (TransplantError, FollowerError) as error:
        raise AttentionError(str(error)) from error
    except KeyboardInterrupt:
        raise AttentionError(f"interrupted; {interrupted}") from None


def _counted(manifest: "Manifest") -> str:
    waiting = sum(part.records for part in manifest.of("inbox"))
    return (
        f"{manifest.records('ledger'):,} records of the ledger, {manifest.records('requests'):,} requests, "
        f"{manifest.records('deadletter'):,} dead letters and notes, {waiting:,} messages not taken yet, "
        f"{manifest.records('table'):,} rows"
    )


def _members(folder: Path, manifest: "Manifest") -> dict[str, Any]:
    return {
        "event": "done",
        "folder": str(folder),
        "digest": manifest.digest,
        "site": manifest.site,
        "exported_at": manifest.exported_at,
        "was_moving": manifest.was_moving,
        "records": {
            kind: manifest.records(kind)
            for kind in ("ledger", "requests", "deadletter", "answers", "inbox", "table")
        },
        "files": len(manifest.parts),
    }
