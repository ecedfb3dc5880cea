"""``meridian stream``: what streams there are, their configurations as facts, and their commands."""

import json
import tomllib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.asking import ask_and_tell
from service.cli.errors import AttentionError, WrongUseError
from service.cli.output import Column, cell
from service.cli.selecting import TIMES
from service.cli.session import Session, session_of

if TYPE_CHECKING:
    from events.base import Request
    from events.stream import StreamConfiguration

__all__ = ["app", "read_configurations"]

app = typer.Typer(
    no_args_is_help=True, help="Streams: configured, started, enabled, held, and how they stand."
)

Streams = Annotated[list[str], typer.Argument(help="names of streams", metavar="STREAM")]
STREAMS = (
    Column("stream"), Column("state"), Column("held"), Column("since_at", "since"), Column("files", is_number=True),
    Column("configuration_version", "configuration", is_number=True), Column("title"), Column("owner"),
)  # fmt: skip

RequestId = Annotated[str | None, typer.Option(help="ask again under the id of an earlier try")]


@app.command("apply")
def apply(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="TOML or JSON, one configuration each or several")],
    enable: Annotated[
        bool, typer.Option("--enable", help="start and enable a stream that is not yet")
    ] = False,
) -> None:
    """Put configurations of streams in force; the same one again changes nothing."""
    session = session_of(context)
    found = [each for path in files for each in read_configurations(path)]
    apply_all(session, found, enable=enable)


@app.command("list")
def list_streams(context: typer.Context) -> None:
    """All streams and how they stand."""
    from projectors.stream_search import all_streams

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        rows = all_streams(connection)
    session.out.rows(
        STREAMS, rows, ids="stream", empty="no stream is configured; meridian stream apply FILE --enable"
    )


@app.command("show")
def show(
    context: typer.Context, stream: Annotated[str, typer.Argument(help="its name", metavar="STREAM")]
) -> None:
    """One stream: how it stands, and its configuration; -o json prints what stream apply takes."""
    from projectors.stream_search import one_stream

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        row = one_stream(connection, stream)
    if row is None:
        raise AttentionError(
            f"nothing is known of the stream {stream}; meridian stream list shows those there are"
        )
    if session.out.form in {"json", "ndjson"}:
        session.out.document(row["configuration"], lines=(), ids="stream")
        return
    session.out.document(row, lines=_lines(row), ids="stream")


@app.command("start")
def start(context: typer.Context, streams: Streams, request_id: RequestId = None) -> None:
    """Standby → Disabled."""
    from events.stream import StartStream

    _ask(session_of(context), streams, StartStream(), request_id)


@app.command("enable")
def enable(context: typer.Context, streams: Streams, request_id: RequestId = None) -> None:
    """Disabled → Enabled: queued files are worked on."""
    from events.stream import EnableStream

    _ask(session_of(context), streams, EnableStream(), request_id)


@app.command("disable")
def disable(context: typer.Context, streams: Streams, request_id: RequestId = None) -> None:
    """Enabled → Disabled: files are taken in and queued, work stops."""
    from events.stream import DisableStream

    _ask(session_of(context), streams, DisableStream(), request_id)


@app.command("standby")
def standby(context: typer.Context, streams: Streams, request_id: RequestId = None) -> None:
    """Disabled, Offline or Fault → Standby."""
    from events.stream import StandbyStream

    _ask(session_of(context), streams, StandbyStream(), request_id)


@app.command("offline")
def offline(
    context: typer.Context,
    streams: Streams,
    until: Annotated[
        datetime | None, typer.Option(formats=TIMES, metavar="TIME", help="UTC; when it is expected back")
    ] = None,
    request_id: RequestId = None,
) -> None:
    """Standby → Offline: silence is expected."""
    from datetime import UTC

    from events.stream import OfflineStream

    aware = until.replace(tzinfo=UTC) if until is not None and until.tzinfo is None else until
    _ask(session_of(context), streams, OfflineStream(until=aware), request_id)


@app.command("hold")
def hold(context: typer.Context, streams: Streams, request_id: RequestId = None) -> None:
    """No work on these streams' files for now; needs --reason."""
    from events.stream import HoldStream

    session = session_of(context)
    session.reason_for("stream hold")
    _ask(session, streams, HoldStream(), request_id)


@app.command("unhold")
def unhold(context: typer.Context, streams: Streams, request_id: RequestId = None) -> None:
    """Work goes on."""
    from events.stream import UnholdStream

    _ask(session_of(context), streams, UnholdStream(), request_id)


@app.command("fault")
def fault(context: typer.Context, streams: Streams, request_id: RequestId = None) -> None:
    """Something is wrong with the streams as a whole; --reason says what."""
    from events.stream import FaultStream

    session = session_of(context)
    _ask(session, streams, FaultStream(message=session.reason_for("stream fault")), request_id)


def apply_all(session: Session, found: "list[StreamConfiguration]", *, enable: bool) -> None:
    """Ask for each configuration, and, with ``enable``, for the steps that are missing to Enabled."""
    from service.cli.asking import tell
    from service.streams import bring_in_force

    with session.client() as client:
        asked = bring_in_force(client, found, enable=enable)
    tell(session, asked)


def read_configurations(path: Path) -> "list[StreamConfiguration]":
    """The configurations in a file: one object, a list of them, or TOML tables ``[[stream]]``."""
    document = _document(path)
    listed = document if isinstance(document, list) else document.get("streams", document)
    return [_configuration(path, each) for each in (listed if isinstance(listed, list) else [listed])]


def _document(path: Path) -> Any:
    text = path.read_text("utf-8")
    try:
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        wanted = "TOML" if path.suffix == ".toml" else "JSON (or TOML in a file that ends in .toml)"
        raise WrongUseError(f"{path}: {error}; wanted {wanted}") from error


def _configuration(path: Path, members: Any) -> "StreamConfiguration":
    from pydantic import ValidationError

    from consumers.checks import known_checks
    from events.envelope import readable
    from events.stream import StreamConfiguration
    from service.check_list import misfits

    try:
        configuration = StreamConfiguration.model_validate(members)
    except ValidationError as error:
        raise WrongUseError(
            f"{path}: {readable(error)}; meridian schema show stream.configure has all members"
        ) from error
    if wrong := misfits(known_checks(), configuration):
        raise WrongUseError(f"{path}: {'; '.join(wrong)}; meridian report checks lists what each check wants")
    return configuration


def _lines(row: dict[str, Any]) -> list[str]:
    from service.trust_told import trust_told

    configuration = row["configuration"]
    held = f", on hold since {cell(row['held_at'])}: {row['held_reason']}" if row["held"] else ""
    lines = [
        f"{row['stream']}: {row['state']} since {cell(row['since_at'])}{held}",
        f"  {row['files']} files; configuration {row['configuration_version']} of {cell(row['configured_at'])}",
        f"  {trust_told(row)}",
    ]
    width = max(len(name) for name in configuration)
    return lines + [
        f"  {name.ljust(width)}  {cell(value)}"
        for name, value in configuration.items()
        if value not in ([], {})
    ]


def _ask(session: Session, streams: list[str], request: "Request", request_id: str | None) -> None:
    from service.client import Ask

    if request_id is not None and len(streams) > 1:
        raise WrongUseError(f"--request-id names one request, found {len(streams)} streams; name one")
    asks = [Ask(stream, request) for stream in streams]
    if request_id is not None:
        asks = [Ask(streams[0], request, request_id=request_id)]
    ask_and_tell(session, asks)
