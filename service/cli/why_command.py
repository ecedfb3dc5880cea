"""``meridian why``: of anything that has a name, why it stands where it stands, and what would help."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.errors import ToldError, WrongUseError
from service.cli.output import Column, plain
from service.cli.selecting import read_ids
from service.cli.session import session_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service.client import Client

__all__ = ["KINDS", "why"]

KINDS = ("file", "op", "group", "identity", "stream")
"""As they may stand before a name, with a colon; of a bare name the first that there is is meant."""

WHY = tuple(
    Column(name) for name in ("kind", "subject", "state", "since_at", "code", "because", "who", "again_at")
)

Told = tuple[dict[str, Any], list[str]]
Subjects = Annotated[
    list[str],
    typer.Argument(
        help=f"what to explain: a name, or KIND:NAME ({', '.join(KINDS)}); - reads them from standard input",
        metavar="SUBJECT|-",
    ),
]


def why(context: typer.Context, subjects: Subjects) -> None:
    """Of anything: its state, the first cause, what is missing, who has to act; also of what never arrived."""
    session = session_of(context)
    answers: list[dict[str, Any]] = []
    lines: list[str] = []
    with session.client() as client:
        for subject in read_ids(subjects):
            (kind, name), others = _meant(client, subject)
            members, told = _ANSWERS[kind](client, name)
            answers.append({"kind": kind, **members})
            lines += [*([""] if lines else []), *told]
            if others:
                session.out.say(
                    f"{subject} is also {', '.join(others)}; meridian why {others[0]} explains it"
                )
    if session.out.form == "table":
        session.out.lines(lines)
    elif session.out.form in {"csv", "ids"} or len(answers) != 1:
        session.out.rows(WHY, answers, ids="subject")
    else:
        session.out.document(answers[0], lines=lines, ids="subject")
    unknown = [f"{each['kind']}:{each['subject']}" for each in answers if each.get("state") is None]
    if unknown:
        raise ToldError(f"nothing is known of {', '.join(unknown)}; the answer says what is")


def _meant(client: "Client", subject: str) -> tuple[tuple[str, str], list[str]]:
    """Kind and name, and what else has this name. Raises WrongUseError where it is the name of several files."""
    kind, colon, name = subject.partition(":")
    if colon and kind in KINDS:
        return (kind, name), []
    with client.engine.connect() as connection:
        found = list(_found(connection, subject))
    if not found:
        return ("file", subject), []
    first = [name for kind, name in found if kind == found[0][0]]
    if len(first) > 1:
        several = ", ".join(f"{found[0][0]}:{each}" for each in first)
        raise WrongUseError(f"{subject} is the name of {several}; say which")
    return found[0], [f"{kind}:{name}" for kind, name in found[1:]]


def _found(connection: "Connection", subject: str) -> list[tuple[str, str]]:
    """All that has this name, by kind, in the order of the kinds."""
    from projectors.file_search import named
    from projectors.subjects import others_named

    files = [("file", str(row["file"])) for row in named(connection, [subject])]
    return sorted([*files, *others_named(connection, subject)], key=lambda each: KINDS.index(each[0]))


def _file(client: "Client", name: str) -> Told:
    from projectors.group_list import close_groups
    from projectors.op_search import close_ops
    from service import unknown
    from service.why import Why
    from service.why_text import lines_of

    found = client.why(name)
    if isinstance(found, Why):
        return plain(found), lines_of(found)
    with client.engine.connect() as connection:
        near = [f"op:{each}" for each in close_ops(connection, name)]
        near += [f"group:{each}" for each in close_groups(connection, name)]
    also = [f"  or did you mean {', '.join(near)}"] if near else []
    return plain(found) | {"close": [*found.close, *near]}, [*unknown.lines_of(found), *also]


def _op(client: "Client", name: str) -> Told:
    from service.cli.op_looking import answer_of
    from service.op_why_text import lines_of

    with client.engine.connect() as connection:
        found = answer_of(connection, name)
    return plain(found), lines_of(found)


def _group(client: "Client", name: str) -> Told:
    from projectors.group_list import close_groups, one_group
    from service.answer import answer_lines
    from service.group_why import group_why, unknown_group

    with client.engine.connect() as connection:
        row = one_group(connection, name)
        found = unknown_group(name, close_groups(connection, name)) if row is None else group_why(row)
    return plain(found), list(answer_lines(found))


def _identity(client: "Client", name: str) -> Told:
    from projectors.identities import history_of
    from service.answer import answer_lines
    from service.identity_why import identity_why, unknown_identity

    with client.engine.connect() as connection:
        history = history_of(connection, name)
    found = identity_why(name, history) if history else unknown_identity(name)
    return plain(found), list(answer_lines(found))


def _stream(client: "Client", name: str) -> Told:
    from projectors.stream_search import not_streams, one_stream
    from service.answer import answer_lines
    from service.stream_why import stream_why, unknown_stream

    with client.engine.connect() as connection:
        row = one_stream(connection, name)
        known = not_streams(connection, ())[1]
    found = unknown_stream(name, known) if row is None else stream_why(row)
    return plain(found), list(answer_lines(found))


_ANSWERS: dict[str, Callable[["Client", str], Told]] = {
    "file": _file, "op": _op, "group": _group, "identity": _identity, "stream": _stream,
}  # fmt: skip
