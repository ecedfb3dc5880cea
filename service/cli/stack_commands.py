"""``meridian up``, ``down``, ``status``, ``doctor``: servers and roles on this machine, and how everything stands."""

import os
from typing import Annotated

import typer

from service.cli.output import Column
from service.cli.session import Session, session_of

__all__ = ["down", "up"]

CHILDREN = (
    Column("name"), Column("state"), Column("version"), Column("port", is_number=True), Column("pid", is_number=True),
    Column("restarts", is_number=True), Column("note", is_text=True),
)  # fmt: skip


def up(
    context: typer.Context,
    servers: Annotated[
        bool, typer.Option("--servers", help="only Kafka, PostgreSQL and S3, no roles")
    ] = False,
) -> None:
    """Start what is not running: servers that the settings do not name, tables, and the roles."""
    from service.settings import PREFIX, Settings
    from service.settings_errors import misspelled
    from service.site import bring_up

    session = session_of(context)
    for strange in misspelled(os.environ, Settings, prefix=PREFIX):
        session.out.say(f"mind: {strange}; it is not heeded")
    bring_up(session.settings, with_roles=not servers, progress=session.out.say)
    _show_children(session)


def down(
    context: typer.Context,
    erase: Annotated[bool, typer.Option("--erase", help="delete the data too; asks")] = False,
) -> None:
    """Stop roles and servers. The data stay."""
    from service.stack import local

    session = session_of(context)
    folder = session.settings.data
    if erase:
        session.confirm(f"delete everything in {folder}: the ledger, the database, the archive?")
    ran = local.down(session.settings, erase=erase)
    said = "stopped" if ran else "nothing was running"
    session.out.say(f"{said}; {'the data are deleted' if erase else f'the data stay in {folder}'}")


def _show_children(session: Session) -> None:
    from service.site import children_of

    session.out.rows(
        CHILDREN, children_of(session.settings), ids="name", empty="no local stack: all servers are elsewhere"
    )
