"""What may be asked of files: retry, reprocess, acknowledge, hold, dismiss, reopen, a note."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.asking import ask_and_tell
from service.cli.errors import AttentionError, WrongUseError
from service.cli.file_commands import FILES, One, app
from service.cli.known_values import check_known
from service.cli.selecting import TIMES, Selection
from service.cli.session import Session, session_of
from service.cli.spreading import How, OfVersion, Paced, spread
from service.wording import counted

if TYPE_CHECKING:
    from events.base import Request
    from service.client import Ask

__all__ = ["ask_of_files"]

_SAMPLE = 5
_VIEWS_WITHIN_S = 10.0
_MANY = 20

Row = Mapping[str, Any]
RequestOf = Callable[[Row], "Request | None"]


@app.command("retry")
@spread
def retry(context: typer.Context, how: Paced, selection: Selection) -> None:
    """Try again what failed, where it failed; needs --reason."""
    from events.file_requests import RetryFile

    ask_of_files(context, "retry", selection, how, lambda _: RetryFile(), states=("ERROR",))


@app.command("reprocess")
@spread
def reprocess(  # noqa: PLR0913 - what may be said of a file, each by its option
    context: typer.Context,
    how: Paced,
    selection: Selection,
    *,
    no_transfer: Annotated[
        bool, typer.Option("--no-transfer", help="only its checks, then back where it was")
    ] = False,
    identity: Annotated[
        str | None, typer.Option(help="with this archive identity instead of its own")
    ] = None,
    program: Annotated[str | None, typer.Option(help="as of this program")] = None,
    stream_version: Annotated[
        int | None,
        typer.Option(help="by this version of the stream's configuration; the one in force if not given"),
    ] = None,
    same_content: Annotated[
        str | None, typer.Option(help="allow: though another file has the same bytes")
    ] = None,
    afresh: Annotated[
        bool, typer.Option("--afresh", help="identity, program and the like said before no longer count")
    ] = False,
) -> None:
    """Take files through their checks again, as a new attempt; needs --reason."""
    from events.file_requests import ReprocessFile

    if identity is not None and (len(selection.files or ()) != 1 or selection.files == ["-"]):
        raise WrongUseError(
            "--identity: found none, several or a filter, wanted one file, as it is for one alone"
        )
    if same_content not in {None, "allow", "warn", "conflict"}:
        raise WrongUseError(f"--same-content {same_content}: wanted allow, warn or conflict")
    given = {
        "identity": identity, "program": program, "stream_version": stream_version, "same_content": same_content,
    }  # fmt: skip
    overrides = {member: value for member, value in given.items() if value is not None}
    in_force = _InForce(session_of(context))

    def request(row: Row) -> ReprocessFile:
        by = {} if stream_version is not None else in_force.of(row)
        return ReprocessFile(transfer=not no_transfer, overrides=by | overrides, afresh=afresh or None)

    ask_of_files(context, "reprocess", selection, how, request)


class _InForce:
    """Versions of the streams' configurations, read when first asked: a rule that was corrected is the one meant."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._versions: dict[str, int] | None = None

    def of(self, row: Row) -> dict[str, int]:
        """As an override; none for a stream that nobody has configured."""
        if self._versions is None:
            self._versions = self._read()
        version = self._versions.get(str(row["file"]).partition("/")[0])
        return {} if version is None else {"stream_version": version}

    def _read(self) -> dict[str, int]:
        """Not before the views know of what was decided by now: it may have been corrected a moment ago."""
        from projectors.stream_rules import LiveRules, RulesUnavailableError

        until = time.monotonic() + _VIEWS_WITHIN_S
        with self._session.client() as client:
            live = LiveRules(client.engine)
            while True:
                try:
                    return {stream: rule.version for stream, rule in live.refresh().items()}
                except RulesUnavailableError as error:
                    if time.monotonic() > until:
                        raise AttentionError(f"{error}; or say which with --stream-version") from error
                time.sleep(0.1)


@app.command("ack")
@spread
def acknowledge(
    context: typer.Context,
    how: OfVersion,
    selection: Selection,
    *,
    ends: Annotated[
        datetime | None,
        typer.Option(formats=TIMES, metavar="TIME", help="UTC; from then on it is reported again"),
    ] = None,
    codes: Annotated[
        list[str] | None, typer.Option("--known", help="this code; the open problem if not given")
    ] = None,
) -> None:
    """Say that the open problem of files is known; needs --reason."""
    from events.file_requests import AcknowledgeFile

    end = ends.replace(tzinfo=UTC) if ends is not None and ends.tzinfo is None else ends

    def request(row: Row) -> AcknowledgeFile | None:
        known = codes or ([row["code"]] if row.get("code") else [])
        return AcknowledgeFile(codes=tuple(known), until=end) if known else None

    ask_of_files(context, "ack", selection, how, request)


@app.command("hold")
@spread
def hold(context: typer.Context, how: How, selection: Selection) -> None:
    """No work on files for now; needs --reason."""
    from events.file_requests import HoldFile

    ask_of_files(context, "hold", selection, how, lambda _: HoldFile())


@app.command("unhold")
@spread
def unhold(context: typer.Context, how: How, selection: Selection) -> None:
    """Go on with the work on files; needs --reason."""
    from events.file_requests import UnholdFile

    ask_of_files(context, "unhold", selection, how, lambda _: UnholdFile())


@app.command("dismiss")
@spread
def dismiss(
    context: typer.Context,
    how: OfVersion,
    selection: Selection,
    *,
    because: Annotated[str, typer.Option(help="code of the reason, such as TEST_FRAME")] = "NOT_WANTED",
) -> None:
    """Files that will not be taken; needs --reason."""
    from events.file_requests import DismissFile

    request = DismissFile(code=because)
    ask_of_files(context, "dismiss", selection, how, lambda _: request)


@app.command("reopen")
@spread
def reopen(context: typer.Context, how: Paced, selection: Selection) -> None:
    """Look at dismissed files again; needs --reason."""
    from events.file_requests import ReopenFile

    ask_of_files(context, "reopen", selection, how, lambda _: ReopenFile(), states=("DISMISSED",))


@app.command("note")
@spread
def note(
    context: typer.Context,
    how: OfVersion,
    file: One,
    remark: Annotated[str, typer.Argument(help="what is to be remembered")],
) -> None:
    """A remark, kept with the file."""
    from events.file_requests import NoteFile

    request = NoteFile(text=remark)
    ask_of_files(context, None, Selection(files=[file]), how, lambda _: request)


def ask_of_files(
    context: typer.Context,
    verb: str | None,
    selection: Selection,
    how: How,
    request: RequestOf,
    *,
    states: tuple[str, ...] = (),
) -> None:
    """Ask the same of each file that is meant; ``verb`` names what needs a reason."""
    session = session_of(context)
    version = how.version if isinstance(how, OfVersion) else None
    rate = how.rate if isinstance(how, Paced) else None
    rows = _meant(session, selection, states)
    if how.dry_run:
        _would(session, verb, rows, rate)
        return
    if verb is not None:
        session.reason_for(f"file {verb}")
    asks = _asks(rows, request, version, how.request_id)
    if not selection.files and len(asks) > _MANY:
        session.confirm(f"{verb} {len(asks)} files?")
    ask_and_tell(session, asks, rate=rate)


def _would(session: Session, verb: str | None, rows: list[dict[str, Any]], rate: float | None) -> None:
    """What would be asked: counts by stream, state and code, with a few of the files."""
    session.out.rows(FILES, rows[:_SAMPLE], ids="file", empty="no files are like this")
    found = Counter((row.get("stream"), row.get("state"), row.get("code")) for row in rows)
    for (stream, state, code), count in found.most_common():
        where = f"{counted(count, 'file')} of {stream} in {state}" + (f" for {code}" if code else "")
        session.out.say(f"{where}: {verb or 'a note'} would be asked of {'it' if count == 1 else 'each'}")
    lasting = f", in {len(rows) / rate:.0f} s at {rate:g} a second" if rate and len(rows) > rate else ""
    session.out.say(f"{counted(len(rows), 'file')} meant{lasting}; nothing was asked")


def _meant(session: Session, selection: Selection, states: tuple[str, ...]) -> list[dict[str, Any]]:
    """The files meant; one that is named and not known is asked all the same, and refused with its reasons."""
    from projectors.file_list import find_files
    from projectors.file_search import named

    if selection.is_empty:
        raise WrongUseError(
            "found neither files nor a filter, wanted stream/name, - for standard input, or --state …"
        )
    wanted = selection.filter(states=states)
    with session.client() as client, client.engine.connect() as connection:
        if not selection.files:
            found = find_files(connection, selection.with_where(wanted, connection))
            if not found:
                check_known(connection, selection)
            return found
        ids = selection.ids
        rows = named(connection, ids)
    known = {str(row["file"]) for row in rows} | {str(row["name"]) for row in rows}
    return [*rows, *({"file": each} for each in ids if each not in known)]


def _asks(
    rows: list[dict[str, Any]], request: RequestOf, version: int | None, request_id: str | None
) -> "list[Ask]":
    from service.client import Ask

    found = [(str(row["file"]), made) for row in rows if (made := request(row)) is not None]
    if rows and not found:
        raise AttentionError(
            f"none of these {len(rows)} files has an open problem; say which code with --known"
        )
    if request_id is None:
        return [Ask(subject, made, version=version) for subject, made in found]
    if len(found) != 1:
        raise WrongUseError(f"--request-id names one request, found {len(found)} files; name one")
    return [Ask(found[0][0], found[0][1], version=version, request_id=request_id)]
