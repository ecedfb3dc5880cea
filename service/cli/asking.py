"""Commands that ask for something: requests sent, outcomes awaited, and the answer printed with its reasons."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from service.cli.errors import UNREACHABLE, ToldError
from service.cli.output import Column
from service.cli.session import Session

if TYPE_CHECKING:
    from service.client import Ask, Asked

__all__ = ["ASKED_COLUMNS", "ask_and_tell", "asked_row"]

ASKED_COLUMNS = (
    Column("subject"),
    Column("result"),
    Column("state"),
    Column("version", is_number=True),
    Column("sequence", is_number=True),
    Column("reasons", "reasons against", is_text=True),
    Column("allowed", is_text=True),
)

IN_FORCE = "is in force already"
"""How the stream's machine says that a configuration is no other than the one there is."""

_SHOWN = 5


def ask_and_tell(
    session: Session, asks: Sequence["Ask"], *, timeout_s: float | None = None, rate: float | None = None
) -> None:
    """Ask, ``rate`` a second, print what became of each; leave with 1 where some are refused, 3 where in doubt."""
    from service.client import ANSWER_WITHIN_S

    if not asks:
        session.out.rows(ASKED_COLUMNS, [], ids="subject", empty="nothing to ask for")
        return
    with session.client() as client:
        asked = client.ask(asks, timeout_s=ANSWER_WITHIN_S if timeout_s is None else timeout_s, rate=rate)
    tell(session, asked)


def tell(session: Session, asked: Sequence["Asked"]) -> None:
    """Print outcomes; raises ToldError where some are refused or in doubt."""
    session.out.rows(ASKED_COLUMNS, [asked_row(each) for each in asked], ids="subject")
    refused = [each for each in asked if _result(each) == "refused"]
    doubtful = [each for each in asked if each.outcome is None]
    if len(asked) > 1 or doubtful:
        accepted = len(asked) - len(refused) - len(doubtful)
        counts = f"{accepted} accepted, {len(refused)} refused, {len(doubtful)} in doubt"
        session.out.say(f"{counts}; batch {asked[0].batch}")
    for line in _doubts(doubtful):
        session.out.say(line)
    if doubtful:
        raise ToldError(next(iter(_doubts(doubtful))), code="IN_DOUBT", exit_code=UNREACHABLE)
    if refused:
        raise ToldError("\n".join(_refusals(refused)), code="REFUSED")


def asked_row(asked: "Asked") -> dict[str, Any]:
    """What became of one request, for printing."""
    outcome = asked.outcome
    known: dict[str, Any] = {} if outcome is None else {
        "state": outcome.tostate, "version": outcome.version, "sequence": outcome.sequence, "type": outcome.type,
        "code": outcome.code, "reasons": list(outcome.reasons), "allowed": list(outcome.allowed), "at": outcome.at,
    }  # fmt: skip
    return {
        "subject": asked.ask.subject,
        "request": asked.ask.request.name,
        "result": _result(asked),
        **known,
        "request_id": asked.ask.request_id,
        "batch": asked.batch,
    }


def _result(asked: "Asked") -> str:
    """What is so already is no refusal to whoever wants it so."""
    outcome = asked.outcome
    if outcome is None:
        return "in doubt"
    if outcome.accepted:
        return "accepted"
    is_so = asked.ask.request.name == "stream.configure" and any(
        IN_FORCE in reason for reason in outcome.reasons
    )
    return "unchanged" if is_so else "refused"


def _refusals(refused: Sequence["Asked"]) -> Iterable[str]:
    for each in refused[:_SHOWN]:
        reasons = each.outcome.reasons if each.outcome else ()
        yield f"{each.ask.subject}: {each.ask.request.name} refused: {'; '.join(reasons)}"
    if len(refused) > _SHOWN:
        yield f"and {len(refused) - _SHOWN} more"


def _doubts(doubtful: Sequence["Asked"]) -> Iterable[str]:
    if not doubtful:
        return
    cause = doubtful[0].cause
    found = f"while it was sent or waited for: {cause}" if cause else "sent, but no outcome came in time"
    yield (
        f"in doubt: {found}; nothing is lost. Ask again under the same id, or see "
        "meridian status whether a decider runs"
    )
    for each in doubtful[:_SHOWN]:
        yield f"  {each.ask.subject}: the same command again with --request-id {each.ask.request_id}"
    if len(doubtful) > _SHOWN:
        yield f"  and {len(doubtful) - _SHOWN} more"
