"""``meridian deadletter``: input that could not be taken, by cause and one by one, sent again or set aside."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.errors import ToldError, WrongUseError
from service.cli.output import Column
from service.cli.selecting import read_ids, read_time
from service.cli.session import Session, session_of
from service.cli.spreading import DryRun, Rate, spread
from service.pace import AT_A_TIME, paced
from service.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from consumers.deadletter import DeadLetters, Done, Listed, Which

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Input that could not be taken: its bytes, its reason, its way back."
)

LETTERS = (
    Column("id"), Column("sender"), Column("code"), Column("received_at"), Column("size_bytes", is_number=True),
    Column("done"), Column("reason", is_text=True),
)  # fmt: skip
CAUSES = (
    Column("code"), Column("sender"), Column("count", is_number=True), Column("open", is_number=True),
    Column("last_at"), Column("example", is_text=True),
)  # fmt: skip
DONE = (Column("id"), Column("result"), Column("against"))

_SHOWN_BYTES = 2000
_SAMPLE = 5
_MANY = 20

Ids = Annotated[
    list[str] | None,
    typer.Argument(
        help="ids of dead letters, such as 0/17; - reads them from standard input", metavar="ID|-"
    ),
]


@dataclass(frozen=True)
class Meant:
    """Which dead letters; each field is an option of every command that takes several."""

    code: Annotated[str | None, typer.Option(help="only of this cause")] = None
    sender: Annotated[str | None, typer.Option(help="only from this sender")] = None
    since: Annotated[
        str | None, typer.Option(help="come since then: a UTC time, or 2h for two hours ago")
    ] = None
    until: Annotated[str | None, typer.Option(help="come before then")] = None

    def which(self, ids: list[str] | None = None, *, is_open: bool | None) -> "Which":
        """As dead letters are looked up."""
        from consumers.deadletter import Which

        now = _now()
        return Which(
            ids=None if ids is None else frozenset(ids),
            code=self.code.upper() if self.code else None,
            sender=self.sender,
            since=read_time(self.since, now=now, option="--since"),
            until=read_time(self.until, now=now, option="--until"),
            is_open=is_open,
        )


@app.command("list")
@spread
def list_letters(
    context: typer.Context,
    meant: Meant,
    *,
    causes: Annotated[bool, typer.Option("--causes", help="count by cause instead")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="those that were redriven or discarded too")
    ] = False,
    limit: Annotated[int, typer.Option(help="at most so many")] = 200,
) -> None:
    """Dead letters, oldest first; those that nothing was done about yet."""
    session = session_of(context)
    which = meant.which(is_open=None if everything else True)
    with session.client() as client:
        letters = _letters(client)
        if causes:
            rows = [{**_members(each), "open": each.count_open} for each in letters.causes(which)]
            session.out.rows(CAUSES, rows, ids="code", empty="no dead letters")
            return
        rows = [_row(each) for each in letters.each(which, limit=limit + 1)]
    session.out.rows(LETTERS, rows[:limit], ids="id", empty="no dead letters")
    if len(rows) > limit:
        session.out.say(f"the first {limit}; there are more: a greater --limit, or --causes to count them")


@app.command("show")
def show(
    context: typer.Context,
    letter: Annotated[str, typer.Argument(help="as the list names it, such as 0/17", metavar="ID")],
) -> None:
    """One dead letter: where it came from, why it was not taken, its bytes."""
    from consumers.header_names import readable_name

    session = session_of(context)
    with session.client() as client:
        try:
            found = _letters(client).show(letter)
        except KeyError as error:
            raise WrongUseError(str(error.args[0])) from error
    members = _row(found) | {"origin": found.letter.origin, "sha256": found.letter.sha256}
    text = (found.letter.value or b"").decode("utf-8", "backslashreplace")
    headers = {
        readable_name(name): value.decode("utf-8", "backslashreplace")
        for name, value in found.letter.origin_headers
    }
    members |= {"headers": headers, "traceback": found.letter.traceback, "value": text}
    session.out.document(members, lines=_readable(members, text), ids="id")


@app.command("redrive")
@spread
def redrive(
    context: typer.Context,
    meant: Meant,
    ids: Ids = None,
    *,
    rate: Rate = AT_A_TIME,
    force: Annotated[bool, typer.Option(help="those too that were redriven or discarded before")] = False,
    dry_run: DryRun = False,
) -> None:
    """Send them again to the inbox they came from; needs --reason. Twice is harmless."""
    session, named = session_of(context), _named(ids, meant)
    which = meant.which(named, is_open=None if force or ids else True)
    with session.client() as client:
        letters = _letters(client)
        if dry_run:
            _sample(session, letters.each(which))
            return
        reason = session.reason_for("deadletter redrive")
        _confirm(session, "redrive", letters, which)
        done = letters.redrive(which, actor=session.actor, reason=reason, clock=_now, is_forced=force)
        _tell(session, paced(done, rate), "redriven", named)


@app.command("discard")
@spread
def discard(
    context: typer.Context,
    meant: Meant,
    ids: Ids = None,
    *,
    dry_run: DryRun = False,
) -> None:
    """Note that they are of no use; needs --reason. Their bytes stay."""
    session, named = session_of(context), _named(ids, meant)
    which = meant.which(named, is_open=None if ids else True)
    with session.client() as client:
        letters = _letters(client)
        if dry_run:
            _sample(session, letters.each(which))
            return
        reason = session.reason_for("deadletter discard")
        _confirm(session, "discard", letters, which)
        done = letters.discard(which, actor=session.actor, reason=reason, clock=_now)
        _tell(session, done, "discarded", named)


def _named(ids: list[str] | None, meant: Meant) -> list[str] | None:
    """The ids given, those from standard input too; None where a filter says which."""
    if not ids and meant == Meant():
        raise WrongUseError(
            "found neither ids nor a filter, wanted ids such as 0/17, - for standard input, or --code, --sender, …; "
            "meridian deadletter list --causes shows what there is"
        )
    return read_ids(ids) if ids else None


def _confirm(session: Session, verb: str, letters: "DeadLetters", which: "Which") -> None:
    """Ask where a filter means many."""
    if which.ids is None and not session.options.yes:
        count = sum(1 for _ in letters.each(which))
        if count > _MANY:
            session.confirm(f"{verb} {count} dead letters?")


def _letters(client: Any) -> "DeadLetters":
    from consumers.deadletter import DeadLetters

    return DeadLetters(client.log, client.wiring.topics)


def _tell(session: Session, done: "Iterable[Done]", word: str, ids: list[str] | None) -> None:
    rows = [
        {"id": each.letter.id, "result": "refused" if each.against else word, "against": each.against}
        for each in done
    ]
    met = {row["id"] for row in rows}
    unknown = (
        "found no such dead letter of that cause, sender and time; meridian deadletter list has their ids"
    )
    rows += [{"id": each, "result": "refused", "against": unknown} for each in ids or () if each not in met]
    session.out.rows(DONE, rows, ids="id", empty="no dead letters are meant")
    refused = [str(row["id"]) for row in rows if row["against"]]
    if refused:
        raise ToldError(
            f"{', '.join(refused)} not {word}; the answer says what is against it", code="REFUSED"
        )


def _sample(session: Session, letters: "Iterable[Listed]") -> None:
    """What would be done, by cause, with a few of them."""
    rows = [_row(each) for each in letters]
    session.out.rows(LETTERS, rows[:_SAMPLE], ids="id", empty="no dead letters are meant")
    for (code, sender), count in Counter((row["code"], row["sender"]) for row in rows).most_common():
        session.out.say(f"{counted(count, 'dead letter')} of {sender} for {code}")
    session.out.say(f"{counted(len(rows), 'dead letter')} meant; nothing was done")


def _row(listed: "Listed") -> dict[str, Any]:
    letter = listed.letter
    names = ("id", "sender", "code", "reason", "received_at", "size_bytes", "origin")
    return {**{name: getattr(letter, name) for name in names}, "done": list(listed.done)}


def _members(cause: Any) -> dict[str, Any]:
    return {name: getattr(cause, name) for name in cause.__slots__}


def _readable(members: dict[str, Any], text: str) -> list[str]:
    lines = [
        f"dead letter {members['id']} from {members['sender']}: {members['code']}",
        f"  {members['reason']}",
        f"  it stood at {members['origin']} and came at {members['received_at']:%Y-%m-%d %H:%M:%S} UTC",
        *(f"  {each}" for each in members["done"]),
        *(f"  header {name}: {value[:_SHOWN_BYTES]}" for name, value in members["headers"].items()),
        f"  {members['size_bytes']} bytes, sha256 {members['sha256']}:",
        text[:_SHOWN_BYTES] + ("…" if len(text) > _SHOWN_BYTES else ""),
    ]
    return lines if not members["traceback"] else [*lines, members["traceback"]]


def _now() -> datetime:
    return datetime.now(UTC)
