"""Answers to ``why``: for files in any state, and for names that nobody knows."""

from typing import TYPE_CHECKING, Any

from service.cli.errors import ToldError
from service.cli.output import plain
from service.cli.session import Session

if TYPE_CHECKING:
    from service.client import Client

__all__ = ["explain"]


def explain(session: Session, files: list[str]) -> None:
    """Print why each file stands where it stands; leaves with 1 where one is not known."""
    answers: list[dict[str, Any]] = []
    lines: list[str] = []
    unknown: list[str] = []
    with session.client() as client:
        for file in files:
            found, told = _answer(client, file)
            answers.append(found)
            lines += [*([""] if lines else []), *told]
            unknown += [file] if found.get("state") is None else []
    _print(session, answers, lines)
    if unknown:
        raise ToldError(
            f"nothing is known of {', '.join(unknown)}; the answer says where it would have come from"
        )


def _print(session: Session, answers: list[dict[str, Any]], lines: list[str]) -> None:
    from service.cli.output import Column

    if session.out.form == "table":
        session.out.lines(lines)
    elif session.out.form in {"csv", "ids"} or len(answers) != 1:
        names = ("subject", "state", "since_at", "code", "because", "found", "wanted", "who", "again_at")
        session.out.rows([Column(name) for name in names], answers, ids="subject")
    else:
        session.out.document(answers[0], lines=lines, ids="subject")


def _answer(client: "Client", file: str) -> tuple[dict[str, Any], list[str]]:
    from service import unknown
    from service.why import Why
    from service.why_text import lines_of

    found = client.why(file)
    if isinstance(found, Why):
        return plain(found), lines_of(found)
    return plain(found), list(unknown.lines_of(found))
