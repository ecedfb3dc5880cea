"""``meridian recover``: why a part stands still, what would lead on, and doing it in somebody's name."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.errors import AttentionError, ToldError, WrongUseError
from service.cli.output import Column
from service.cli.session import Session, session_of
from service.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.recover import Remedies, Remedy

__all__ = ["recover"]

DONE = (
    Column("part"),
    Column("machine"),
    Column("partition", is_number=True),
    Column("code"),
    Column("done"),
)


def recover(
    context: typer.Context,
    explain: Annotated[
        bool, typer.Option("--explain", help="say what stands and what --apply would do (the default)")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="do it; needs --reason")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="change nothing, only try again; needs --reason")
    ] = False,
    code: Annotated[str | None, typer.Option(help="only halts with this code")] = None,
    part: Annotated[
        str | None, typer.Option(help="only of this part: decider, projector, dispatch, site")
    ] = None,
) -> None:
    """Explain every halt and what leads on from it, or lead on."""
    from service.recover import Remedies

    if explain + apply + retry > 1:
        raise WrongUseError("found more than one of --explain, --apply and --retry, wanted one of them")
    session = session_of(context)
    with session.client() as client:
        remedies = Remedies(logs=client.log, engine=client.engine, topics=client.wiring.topics)
        meant = [
            each
            for each in remedies.explain()
            if code in {None, each.halt.code} and part in {None, each.halt.part}
        ]
        if not meant:
            session.out.document({"halts": []}, lines=["nothing stands still"], ids="halts.code")
            return
        if not (apply or retry):
            rows = [_row(each) for each in meant]
            session.out.document(
                {"halts": rows}, lines=[line for each in meant for line in _lines(each)], ids="halts.code"
            )
            raise ToldError(
                f"{counted(len(meant), 'part')} halted; meridian recover --apply --reason '…' leads on"
            )
        _lead_on(session, remedies, meant, only_retry=retry)


def _lead_on(session: Session, remedies: "Remedies", meant: "Sequence[Remedy]", *, only_retry: bool) -> None:
    from service.recover import NotYetError

    reason = session.reason_for("recover --retry" if only_retry else "recover --apply")
    for each in meant:
        session.out.say(f"{each.halt.place}: {'try again' if only_retry else each.will}")
    session.confirm("do this?")
    done: list[dict[str, Any]] = []
    left: list[str] = []
    for each in meant:
        try:
            did = remedies.apply(each, actor=session.actor, reason=reason, only_retry=only_retry)
        except NotYetError as error:
            left.append(f"{each.halt.place} stands still: {error}")
        else:
            done.append({**_row(each), "done": did})
    session.out.rows(DONE, done, ids="code", empty="")
    if left:
        raise AttentionError("\n".join(left))


def _row(remedy: "Remedy") -> dict[str, Any]:
    halt = remedy.halt
    names = ("part", "machine", "partition", "code", "message", "details", "halted_at")
    return {
        **{name: getattr(halt, name) for name in names},
        "happened": remedy.happened,
        "will": remedy.will,
        "advice": remedy.advice,
        "command": remedy.command,
    }


def _lines(remedy: "Remedy") -> list[str]:
    halt = remedy.halt
    lines = [
        f"{halt.place} stands still since {halt.halted_at:%Y-%m-%d %H:%M:%S} UTC: {halt.code}",
        f"  what happened: {remedy.happened}",
        f"  found: {halt.message}",
        *([f"  mind: {remedy.advice}"] if remedy.advice else []),
        f"  to go on: {remedy.command}",
        f"  which will: {remedy.will}",
    ]
    return [*lines, ""]
