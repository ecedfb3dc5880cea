"""``meridian identity``: who holds an archive identity, and giving it to another file or to nobody."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.asking import ask_and_tell
from service.cli.errors import AttentionError
from service.cli.output import cell
from service.cli.session import session_of

if TYPE_CHECKING:
    from events.base import Request

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Archive identities: who holds one, and who is to have it.")

Identity = Annotated[str, typer.Argument(help="an archive identity, such as a KOAID", metavar="IDENTITY")]
RequestId = Annotated[str | None, typer.Option(help="ask again under the id of an earlier try")]


@app.command("show")
def show(context: typer.Context, identity: Identity) -> None:
    """Who holds an identity, and how it came to that."""
    from projectors.identities import history_of

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        history = history_of(connection, identity)
    if not history:
        raise AttentionError(
            f"nothing is known of the identity {identity}: no file has asked for it; meridian file show names a file's"
        )
    facts = [row for row in history if not row["is_refusal"]]
    state = str(facts[0]["tostate"]) if facts else "Free"
    holder = facts[0]["data"].get("holder") if facts and state == "Reserved" else None
    members = {"identity": identity, "state": state, "holder": holder, "history": history}
    session.out.document(members, lines=_lines(members), ids="identity")


@app.command("release")
def release(context: typer.Context, identity: Identity, request_id: RequestId = None) -> None:
    """The identity becomes free again; needs --reason."""
    from events.identity import ReleaseIdentity

    _ask(context, identity, ReleaseIdentity(), "release", request_id)


@app.command("transfer")
def transfer(
    context: typer.Context,
    identity: Identity,
    to: Annotated[
        str, typer.Option("--to", help="the file that is to have it, as stream/name", metavar="FILE")
    ],
    request_id: RequestId = None,
) -> None:
    """The identity goes to another file; needs --reason. Then: meridian file retry."""
    from events.identity import Holder, TransferIdentity
    from projectors.identities import bytes_of
    from service.cli.file_commands import resolved

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        file = resolved(connection, to)
        known = bytes_of(connection, file)
    if known is None or known[1] is None:
        raise AttentionError(
            f"{file}: its bytes were not read yet, so nobody knows what would hold {identity}; retry it first"
        )
    holder = Holder(subject=file, version=known[0], sha256=known[1])
    _ask(context, identity, TransferIdentity(to=holder), "transfer", request_id)
    session.out.say(f"next: meridian file retry {file} --reason '…'")


def _ask(
    context: typer.Context, identity: str, request: "Request", verb: str, request_id: str | None
) -> None:
    from service.client import Ask

    session = session_of(context)
    session.reason_for(f"identity {verb}")
    ask = Ask(identity, request) if request_id is None else Ask(identity, request, request_id=request_id)
    ask_and_tell(session, [ask])


def _lines(members: dict[str, Any]) -> list[str]:
    holder = members["holder"]
    held = f", held by {holder['subject']} version {holder['version']}" if holder else ""
    lines = [f"{members['identity']}: {members['state']}{held}"]
    for row in reversed(members["history"]):
        data = row["data"] or {}
        said = "; ".join(data.get("reasons", ())) or str((data.get("holder") or {}).get("subject", ""))
        why = f" ({row['reason']})" if row["reason"] else ""
        lines.append(
            f"  {row['sequence']:3} {cell(row['time'])} {row['type']} by {row['actor']}{why}: {said}"
        )
    return lines
