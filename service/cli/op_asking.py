"""Commands that ask something of observing programs, each made from a row of a table: a request and its options."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from service.cli.asking import ask_and_tell
from service.cli.errors import WrongUseError
from service.cli.op_commands import OneOp, app
from service.cli.output import Column
from service.cli.selecting import read_ids
from service.cli.session import Session, session_of
from service.cli.spreading import DryRun

if TYPE_CHECKING:
    from events.base import Request

__all__ = ["ATTEMPT", "EXPECTED_SEQUENCE", "REQUEST_ID", "Verb", "ask_of_ops", "offer", "request_of"]

SeveralOps = Annotated[
    list[str],
    typer.Argument(help="observing programs; - reads them from standard input", metavar="OP|-"),
]
ATTEMPT = Annotated[
    int | None, typer.Option("--attempt", help="which attempt; yours, or the only one, if not given")
]
REQUEST_ID = Annotated[
    str | None, typer.Option("--request-id", help="ask again under the id of an earlier try; for one OP")
]
EXPECTED_SEQUENCE = Annotated[
    int | None,
    typer.Option(
        "--expected-sequence", min=0, help="only if this is still its last fact's number; for one OP"
    ),
]
WOULD = (Column("op"), Column("request"), Column("attempt", is_number=True), Column("members", is_text=True))

_UNITS_S = {"m": 60, "h": 3600, "d": 24 * 3600}
_HOW = ("attempt", "dry_run", "request_id", "expected_sequence")
_KEYWORD = inspect.Parameter.KEYWORD_ONLY


@dataclass(frozen=True)
class Verb:
    """One command: ``options`` by the member of the request that each fills. ``is_of_one``: not of several OPs."""

    name: str
    request: str
    """Module and class, such as ``op_asks.ClaimOp``; loaded when the command runs."""
    help: str
    options: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    needs_reason: bool = False
    is_of_attempt: bool = False
    is_of_one: bool = False

    def command(self) -> Callable[..., None]:
        """A function that typer can offer: its parameters are the options."""

        def run(**given: Any) -> None:
            session = session_of(given.pop("context"))
            named = given.pop("op") if self.is_of_one else given.pop("ops")
            ops = [named] if self.is_of_one else read_ids(named)
            how = {name: given.pop(name, None) for name in _HOW}
            members = {name: value for name, value in given.items() if value not in (None, [])}
            request = request_of(self.request, {**self.fixed, **members})
            reason_for = f"op {self.name}" if self.needs_reason else None
            ask_of_ops(session, ops, request, reason_for=reason_for, **how)

        subject = {"op": OneOp} if self.is_of_one else {"ops": SeveralOps}
        attempt = {"attempt": ATTEMPT} if self.is_of_attempt else {}
        hints = {
            "context": typer.Context, **subject, **self.options, **attempt, "dry_run": DryRun,
            "request_id": REQUEST_ID, "expected_sequence": EXPECTED_SEQUENCE,
        }  # fmt: skip
        parameters = [
            inspect.Parameter(name, _KEYWORD, annotation=hint, default=_default(hint))
            for name, hint in hints.items()
        ]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = hints
        run.__doc__ = self.help
        return run


def offer(verbs: Sequence[Verb]) -> None:
    """Put these among the commands of ``meridian op``."""
    for verb in verbs:
        app.command(verb.name)(verb.command())


def request_of(name: str, given: Mapping[str, Any]) -> "Request":
    """The request, its members checked; raises WrongUseError that names each that is wrong."""
    from pydantic import ValidationError

    from events.envelope import readable

    module, _, kind = name.partition(".")
    cls = getattr(import_module(f"events.{module}"), kind)
    members = {each: _aware(value) for each, value in given.items()}
    if "lease" in members:
        members["lease_s"] = _seconds(members.pop("lease"))
    if "lease_from" in cls.model_fields:
        members["lease_from"] = datetime.now(UTC)
    _check_orcid(members.get("orcid"))
    try:
        request: Request = cls.model_validate(members)
    except ValidationError as error:
        raise WrongUseError(f"{cls.name}: {readable(error)}") from error
    return request


def ask_of_ops(
    session: Session,
    ops: Sequence[str],
    request: "Request",
    *,
    reason_for: str | None = None,
    attempt: int | None = None,
    dry_run: bool | None = False,
    request_id: str | None = None,
    expected_sequence: int | None = None,
) -> None:
    """Ask the same of each; ``reason_for`` names what needs a reason.

    With ``expected_sequence`` the answer is a refusal if anything has happened to it since.
    """
    from service.client import Ask, new_id

    for option, given in (("--request-id", request_id), ("--expected-sequence", expected_sequence)):
        if given is not None and len(ops) != 1:
            raise WrongUseError(f"{option} is for one request, found {len(ops)} observing programs; name one")
    if dry_run:
        members = request.wire()
        rows = [{"op": op, "request": request.name, "attempt": attempt, "members": members} for op in ops]
        session.out.rows(WOULD, rows, ids="op", empty="no observing program is named")
        session.out.say("nothing was asked")
        return
    if reason_for is not None:
        session.reason_for(reason_for)
    request = _by_policy(session, request)
    asks = [
        Ask(
            op, request, attempt=attempt, expected_sequence=expected_sequence,
            request_id=request_id or new_id(),
        )
        for op in ops
    ]  # fmt: skip
    ask_and_tell(session, asks)


def _by_policy(session: Session, request: "Request") -> "Request":
    """With what the home of observing programs wants of who claims, as it is in force now."""
    from consumers.homes import Homes
    from events.op_asks import ClaimOp, HandOverOp

    if not isinstance(request, ClaimOp | HandOverOp):
        return request
    with session.client() as client:
        policy, asker = Homes(client.engine).now().programs, client.actor
    claimant = request.to if isinstance(request, HandOverOp) else request.claimant or asker
    against = policy.against(request.orcid, claimant)
    return request.model_copy(update={"orcid_wanted": policy.wants_orcid, "orcid_against": against})


def _default(hint: Any) -> Any:
    """None where that may be; a flag is off; what is left has to be given."""
    if hint is DryRun:
        return False
    may_be = get_args(getattr(hint, "__origin__", hint))
    return None if type(None) in may_be else inspect.Parameter.empty


def _aware(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def _seconds(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS_S or not number.replace(".", "", 1).isdigit():
        raise WrongUseError(f"--lease {text}: wanted such as 14d, 12h or 90m")
    return round(float(number) * _UNITS_S[unit])


def _check_orcid(orcid: Any) -> None:
    """A digit that was mistyped is found here, before anybody is asked; its form the request checks."""
    from machines.op_claims import orcid_against

    if isinstance(orcid, str) and len(orcid.replace("-", "")) == 16 and orcid.replace("-", "")[:-1].isdigit():
        for reason in orcid_against(orcid):
            raise WrongUseError(f"--orcid: {reason}")
