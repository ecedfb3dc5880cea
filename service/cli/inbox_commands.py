"""``meridian publish`` and ``meridian validate``: what the outside says at the door, sent, or checked before it is."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.errors import UNREACHABLE, ToldError, WrongUseError
from service.cli.output import Column
from service.cli.session import Session, session_of
from service.wording import counted

if TYPE_CHECKING:
    from consumers.answer import Answer
    from consumers.drafts import Draft
    from consumers.publish import Publisher

__all__ = ["publish", "validate"]

FileOrDash = Annotated[
    str,
    typer.Argument(help="JSON: one event, an array, or one a line; - is standard input", metavar="FILE|-"),
]
Sender = Annotated[str | None, typer.Option(help="who says it; the events' source if not given")]

ANSWERS = (
    Column("event_id"),
    Column("result"),
    Column("subject"),
    Column("code"),
    Column("reasons", is_text=True),
)
FAULTS = (Column("event"), Column("path"), Column("message", is_text=True))
REPEATED_AFTER_S = 2.0
"""After so long without an answer we look whether the event was answered before."""


def publish(
    context: typer.Context,
    file: FileOrDash,
    sender: Sender = None,
    wait: Annotated[float, typer.Option(help="seconds to wait for the answers; 0: do not wait")] = 10.0,
    unchecked: Annotated[
        bool, typer.Option(help="send what is faulty too; the door will say what it thinks")
    ] = False,
) -> None:
    """Send events to the inbox of their sender and print what became of each."""
    session = session_of(context)
    drafts = _read(file, sender)
    if not unchecked:
        _refuse_faulty(session, drafts)
    by_sender: dict[str, list[Draft]] = {}
    for draft in drafts:
        by_sender.setdefault(_sender_of(draft, sender), []).append(draft)
    rows: list[dict[str, Any]] = []
    for name, own in by_sender.items():
        rows += _publish(session, name, own, wait)
    if wait > 0:
        _tell(session, rows)
    else:
        session.out.rows((Column("event_id"), Column("sender")), rows, ids="event_id")


def validate(context: typer.Context, file: FileOrDash, sender: Sender = None) -> None:
    """Check events without a server, naming the exact path of each fault; exit 1 where there are some."""
    session = session_of(context)
    drafts = _read(file, sender)
    rows = _faults(drafts)
    session.out.rows(FAULTS, rows, ids="event", empty="")
    if rows:
        faulty = sum(1 for draft in drafts if draft.faults)
        told = f"{faulty} of {counted(len(drafts), 'event')} with faults"
        session.out.say(f"{told}; nothing was sent")
        raise ToldError(f"{told}; correct what the answer names", code="REFUSED")
    session.out.say(f"{counted(len(drafts), 'event')} checked, all as they should be")


def _publish(session: Session, sender: str, drafts: "Sequence[Draft]", wait_s: float) -> list[dict[str, Any]]:
    from consumers.publish import NoInboxError, Publisher

    with session.client() as client:
        try:
            publisher = Publisher(client.log, client.wiring.topics, sender, is_listening=wait_s > 0)
        except NoInboxError as error:
            raise WrongUseError(str(error)) from error
        with publisher:
            ids = [each for draft in publisher.publish(drafts) for each in draft.event_ids]
            answers = _answers(publisher, ids, wait_s)
    return [_row(sender, each, answers.get(each)) for each in ids]


def _answers(publisher: "Publisher", ids: "Sequence[str]", wait_s: float) -> "dict[str, Answer]":
    """New answers; for an event that was sent before, the one it had: it is not answered twice."""
    soon = min(wait_s, REPEATED_AFTER_S)
    answers = {str(answer.event_id): answer for answer in publisher.answers(ids, timeout_s=soon)}
    missing = [each for each in ids if each not in answers]
    if missing and wait_s > 0:
        answers |= publisher.earlier(missing)
        missing = [each for each in missing if each not in answers]
        answers |= {
            str(answer.event_id): answer for answer in publisher.answers(missing, timeout_s=wait_s - soon)
        }
    return answers


def _row(sender: str, event_id: str, answer: "Answer | None") -> dict[str, Any]:
    if answer is None:
        return {"event_id": event_id, "sender": sender, "result": "in doubt"}
    return {
        "event_id": event_id,
        "sender": sender,
        "result": "accepted" if answer.accepted else "refused",
        "subject": answer.subject,
        "code": answer.code,
        "reasons": list(answer.reasons),
        "request_id": answer.request_id,
        "at": answer.at,
        "about": answer.about,
    }


def _tell(session: Session, rows: list[dict[str, Any]]) -> None:
    session.out.rows(ANSWERS, rows, ids="event_id")
    results = [row["result"] for row in rows]
    if "in doubt" in results:
        told = (
            f"{counted(results.count('in doubt'), 'event')} sent, but not answered yet; publishing again is harmless, "
            "and meridian status shows whether intake runs"
        )
        session.out.say(told)
        raise ToldError(told, code="IN_DOUBT", exit_code=UNREACHABLE)
    if "refused" in results:
        told = f"{counted(results.count('refused'), 'event')} refused; meridian deadletter list has the bytes"
        session.out.say(told)
        raise ToldError(told, code="REFUSED")


def _read(file: str, sender: str | None) -> "list[Draft]":
    from consumers.drafts import read_drafts

    text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    return list(read_drafts(text, sender=sender))


def _sender_of(draft: "Draft", sender: str | None) -> str:
    found = sender or (draft.source or "").partition("/")[0]
    if not found:
        raise WrongUseError(f"{draft.label} does not say who its sender is; add --sender NAME")
    return found


def _refuse_faulty(session: Session, drafts: "Sequence[Draft]") -> None:
    rows = _faults(drafts)
    if rows:
        session.out.rows(FAULTS, rows, ids="event")
        told = "nothing was sent; correct it, or send it as it is with --unchecked"
        session.out.say(told)
        raise ToldError(told, code="REFUSED")


def _faults(drafts: "Sequence[Draft]") -> list[dict[str, Any]]:
    return [
        {
            "event": draft.label,
            "event_ids": list(draft.event_ids),
            "path": fault.path,
            "message": fault.message,
        }
        for draft in drafts
        for fault in draft.faults
    ]
