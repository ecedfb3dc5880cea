"""``meridian group``: exposures, datasets, deliveries: expected against received, and what is said of them by hand."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.asking import ask_and_tell
from service.cli.errors import AttentionError, ToldError, WrongUseError
from service.cli.known_values import check_streams
from service.cli.output import Column, plain
from service.cli.selecting import TIMES
from service.cli.session import session_of
from service.cli.showing import pairs
from service.cli.spreading import IfUnchanged, spread

if TYPE_CHECKING:
    from events.base import Request

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Groups of files: exposures, datasets, deliveries; expected against received."
)

GROUPS = (
    Column("group_id", "group"), Column("kind", is_minor=True), Column("state"), Column("since_at", "since"),
    Column("expected", is_number=True), Column("done", is_number=True), Column("missing", is_number=True),
    Column("unexpected", is_number=True), Column("due_at", "due", is_minor=True), Column("op", is_minor=True),
)  # fmt: skip
WHY = tuple(Column(name) for name in ("subject", "state", "since_at", "because", "who", "again_at"))

OneGroup = Annotated[str, typer.Argument(help="STREAM/ID", metavar="GROUP")]
Places = Annotated[
    list[str] | None, typer.Option("--places", help="such as 0-99 or 7; again for more", metavar="A-B")
]
Several = list[str] | None


@app.command("list")
def list_groups(
    context: typer.Context,
    state: Annotated[Several, typer.Option("--state", help="in this state; again for more")] = None,
    stream: Annotated[Several, typer.Option("--stream", help="of this stream; again for more")] = None,
    kind: Annotated[Several, typer.Option("--kind", help="exposure, dataset or delivery")] = None,
    op: Annotated[Several, typer.Option("--op", help="of this observing program; again for more")] = None,
    missing: Annotated[bool, typer.Option("--missing", help="that something expected is missing of")] = False,
    limit: Annotated[int, typer.Option(min=1, help="at most so many")] = 200,
) -> None:
    """Groups by filter, those longest in their state first."""
    from projectors.group_list import GroupFilter, groups

    session = session_of(context)
    wanted = GroupFilter(
        states=_known_states(state), streams=tuple(stream or ()), kinds=tuple(kind or ()), ops=tuple(op or ()),
        missing=missing,
    )  # fmt: skip
    with session.client() as client, client.engine.connect() as connection:
        rows = groups(connection, wanted, limit=limit + 1)
        if not rows:
            check_streams(connection, stream)
    session.out.rows(GROUPS, rows[:limit], ids="group_id", empty="no groups are like this")
    if len(rows) > limit:
        session.out.say(f"the first {limit}; there are more, --limit shows them")


@app.command("show")
def show(context: typer.Context, group: OneGroup) -> None:
    """All that is known of a group: what it is, what is expected, how its members stand."""
    from projectors.group_list import close_groups, one_group

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        row = one_group(connection, group)
        if row is None:
            close = close_groups(connection, group)
            meant = f"; did you mean {', '.join(close)}" if close else ""
            raise AttentionError(f"nothing is known of the group {group}{meant}; wanted STREAM/ID")
    lines = [str(row["group_id"]), *pairs(row, [name for name in row if name != "group_id"], "  ")]
    session.out.document(row, lines=lines, ids="group_id")


@app.command("why")
def why(context: typer.Context, group: OneGroup) -> None:
    """What is missing of a group, who has to act, and what would help."""
    from projectors.group_list import close_groups, one_group
    from service.answer import answer_lines
    from service.group_why import group_why, unknown_group

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        row = one_group(connection, group)
        answer = unknown_group(group, close_groups(connection, group)) if row is None else group_why(row)
    if session.out.form in {"csv", "ids"}:
        session.out.rows(WHY, [plain(answer)], ids="subject")
    else:
        session.out.document(plain(answer), lines=answer_lines(answer), ids="subject")
    if row is None:
        raise ToldError(f"nothing is known of the group {group}; meridian group list shows those there are")


@app.command("expect")
@spread
def expect(  # noqa: PLR0913 - each is an option
    context: typer.Context,
    group: OneGroup,
    how: IfUnchanged,
    *,
    files: Annotated[
        int | None, typer.Option("--files", min=1, help="so many, at the places 0 to N-1")
    ] = None,
    places: Places = None,
    kind: Annotated[str, typer.Option("--kind", help="exposure, dataset or delivery")] = "dataset",
    due: Annotated[
        datetime | None,
        typer.Option("--due", formats=TIMES, metavar="TIME", help="UTC; when all should be there"),
    ] = None,
    closes: Annotated[
        bool, typer.Option("--closes", help="what is there at --due is all there will be")
    ] = False,
    sidecars: Annotated[bool, typer.Option("--sidecars", help="each comes with a sidecar")] = False,
) -> None:
    """Say what belongs to a group, in the place of what was said before; needs --reason."""
    if (files is None) == (not places):
        raise WrongUseError("group expect: wanted --files N or --places A-B, one of the two")
    ranges = _ranges(places) if files is None else [{"first": 0, "last": files - 1}]
    told = {
        "kind": kind,
        "by": "operator",
        "ranges": ranges,
        "sidecar_needed": sidecars,
        "closes_when_due": closes,
    }
    if due is not None:
        told["due_at"] = due.replace(tzinfo=UTC) if due.tzinfo is None else due
    _ask(context, group, "ExpectGroup", told, how)


@app.command("excuse")
@spread
def excuse(
    context: typer.Context,
    group: OneGroup,
    how: IfUnchanged,
    *,
    places: Places = None,
    code: Annotated[str, typer.Option("--code", help="why, in one word")] = "NOT_COMING",
) -> None:
    """Say that members need not come, such as those of a dead sensor; needs --reason."""
    told = {"ranges": _ranges(places), "code": code}
    _ask(context, group, "ExcuseMembers", told, how)


@app.command("close")
@spread
def close(context: typer.Context, group: OneGroup, how: IfUnchanged) -> None:
    """Say that what is there is all there will be; needs --reason."""
    _ask(context, group, "CloseGroup", {}, how)


@app.command("reopen")
@spread
def reopen(context: typer.Context, group: OneGroup, how: IfUnchanged) -> None:
    """Say that more may come of a group that is over; needs --reason."""
    _ask(context, group, "ReopenGroup", {}, how)


@app.command("note")
@spread
def note(
    context: typer.Context,
    group: OneGroup,
    how: IfUnchanged,
    text: Annotated[str, typer.Argument(help="what is to be remembered")],
) -> None:
    """A remark, kept with the group."""
    _ask(context, group, "NoteGroup", {"text": text}, how, needs_reason=False)


def _ask(
    context: typer.Context,
    group: str,
    kind: str,
    told: dict[str, Any],
    how: IfUnchanged,
    *,
    needs_reason: bool = True,
) -> None:
    from service.client import Ask, new_id

    session = session_of(context)
    request = _request(kind, told)
    if how.dry_run:
        row = {"group": group, "request": request.name, "members": request.wire()}
        session.out.rows(
            (Column("group"), Column("request"), Column("members", is_text=True)), [row], ids="group"
        )
        session.out.say("nothing was asked")
        return
    if needs_reason:
        session.reason_for(request.name.replace(".", " "))
    stream, slash, _ = group.partition("/")
    if not (stream and slash):
        raise WrongUseError(f"{group}: wanted STREAM/ID, such as rubin-lsstcam/MC_O_20261121_000034")
    ask = Ask(group, request, expected_sequence=how.expected_sequence, request_id=how.request_id or new_id())
    ask_and_tell(session, [ask])


def _request(kind: str, told: dict[str, Any]) -> "Request":
    from pydantic import ValidationError

    from events import group
    from events.envelope import readable

    cls = getattr(group, kind)
    try:
        request: Request = cls.model_validate(told)
    except ValidationError as error:
        raise WrongUseError(f"{cls.name}: {readable(error)}") from error
    return request


def _ranges(places: list[str] | None) -> list[dict[str, int]]:
    if not places:
        raise WrongUseError("found no --places, wanted such as --places 0-99 or --places 7")
    return [_range(each) for each in places]


def _range(places: str) -> dict[str, int]:
    first, dash, last = places.partition("-")
    numbers = [first, last if dash else first]
    if not all(each.isascii() and each.isdigit() for each in numbers):
        raise WrongUseError(f"--places {places}: wanted such as 0-99 or 7")
    return {"first": int(numbers[0]), "last": int(numbers[1])}


def _known_states(given: list[str] | None) -> tuple[str, ...]:
    """As operations spell them, whatever the case; raises WrongUseError for one that there is not."""
    from machines.group_state import GroupState

    known = {each.value.casefold(): each.value for each in GroupState if each.is_known}
    for each in given or ():
        if each.casefold() not in known:
            raise WrongUseError(f"--state {each}: wanted one of {', '.join(known.values())}")
    return tuple(known[each.casefold()] for each in given or ())
