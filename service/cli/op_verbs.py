"""What may be asked of observing programs, as a table: each row is a command."""

from datetime import datetime
from typing import Annotated

import typer

from service.cli.op_asking import Verb, offer
from service.cli.selecting import TIMES

__all__ = ["VERBS"]

Program = Annotated[str | None, typer.Option("--program", help="the instrument program's execution id")]
ProgramNamed = Annotated[str, typer.Option("--program", help="the instrument program's execution id")]
Location = Annotated[
    str | None, typer.Option("--location", help="where they are staged; the only place if not given")
]
Claimant = Annotated[
    str | None, typer.Option("--for", help="whose claim it is; yours if not given, others need --reason")
]
Orcid = Annotated[
    str | None, typer.Option("--orcid", help="such as 0000-0002-1825-0097; its last digit is checked")
]
Lease = Annotated[str | None, typer.Option("--lease", help="for how long: 14d (if not given), 12h")]
Beside = Annotated[
    list[int] | None,
    typer.Option("--beside", help="beside this attempt of somebody else; needs --reason; again for more"),
]
To = Annotated[str, typer.Option("--to", help="who goes on with it")]
Decision = Annotated[str, typer.Argument(help="what is thought of it", metavar="accept|rework|reject")]
Remark = Annotated[str, typer.Argument(help="what is to be remembered")]
Note = Annotated[str, typer.Option("--note", help="why; the claimant reads it")]
Priority = Annotated[int | None, typer.Option("--priority", help="-100 (last) to 100", min=-100, max=100)]
Mark = Annotated[bool | None, typer.Option("--mark/--no-mark", help="before everything else")]
Owner = Annotated[str, typer.Option("--owner", help="whose it is")]
Lead = Annotated[str | None, typer.Option("--lead", help="who hears of it next when it is overdue")]
Due = Annotated[
    datetime | None, typer.Option("--due", formats=TIMES, metavar="TIME", help="UTC; when it is overdue")
]
LeadDue = Annotated[
    datetime | None,
    typer.Option(
        "--lead-due", formats=TIMES, metavar="TIME", help="UTC, after --due; when the lead hears of it"
    ),
]
Expected = Annotated[int | None, typer.Option("--expected", min=0, help="of so many datasets")]
Message = Annotated[str | None, typer.Option("--message", help="what else is to be said")]
Criteria = Annotated[str | None, typer.Option("--criteria", help="by this set of criteria")]
CriteriaVersion = Annotated[
    int | None, typer.Option("--criteria-version", min=1, help="by this version of it")
]
Part = Annotated[
    str | None,
    typer.Option("--part", help="which failure: program:…, attempt:… or op; the only one if not given"),
]
Replacement = Annotated[str | None, typer.Option("--replacement", help="what comes instead")]
Until = Annotated[
    datetime | None, typer.Option("--until", formats=TIMES, metavar="TIME", help="UTC; for good if not given")
]
Policy = Annotated[str | None, typer.Option("--policy", help="by which policy, instead of a reason")]

_CLAIM = {"program": Program, "claimant": Claimant, "orcid": Orcid, "lease": Lease, "beside": Beside}
_BY_OPERATOR = {"by": "operator"}

VERBS = (
    #    command      request                     what it does
    Verb("ready",     "op_requests.ReadyOp",      "Say that all datasets are there; needs --reason.",
         {"program": Program, "expected_datasets": Expected, "message": Message}, _BY_OPERATOR, needs_reason=True),
    Verb("requalify", "op_requests.RequalifyOp",  "Judge programs again; needs --reason.",
         {"program": Program, "criteria": Criteria, "criteria_version": CriteriaVersion}, needs_reason=True),
    Verb("recover",   "op_requests.RecoverOp",    "Go on where something failed; needs --reason.",
         {"part": Part}, needs_reason=True),
    Verb("prioritise", "op_requests.PrioritiseOp", "Sooner or later than others in the queue; needs --reason.",
         {"priority": Priority, "mark": Mark}, needs_reason=True),
    Verb("assign",    "op_requests.AssignOp",     "Say whose they are, and by when; needs --reason.",
         {"owner": Owner, "lead": Lead, "due_at": Due, "lead_due_at": LeadDue}, needs_reason=True),
    Verb("hold",      "op_requests.HoldOp",       "No new claims and nothing published for now; needs --reason.",
         needs_reason=True),
    Verb("unhold",    "op_requests.UnholdOp",     "Go on with what was held; needs --reason.", needs_reason=True),
    Verb("unstage",   "op_staging.UnstageOp",     "Remove staged inputs that nobody works with; needs --reason.",
         {"program": ProgramNamed, "location": Location}, needs_reason=True, is_of_one=True),
    Verb("note",      "op_requests.NoteOp",       "A remark, kept with the observing program.",
         {"text": Remark}, is_of_one=True),
    Verb("claim",     "op_asks.ClaimOp",          "Work on an instrument program, under a lease.", _CLAIM,
         is_of_one=True),
    Verb("reinvert",  "op_asks.ReinvertOp",       "Work again on what is published; it stays until it is replaced.",
         _CLAIM, is_of_one=True),
    Verb("extend",    "op_asks.ExtendOp",         "Begin the lease of a claim anew.", {"lease": Lease},
         is_of_attempt=True),
    Verb("hand-over", "op_asks.HandOverOp",       "Let somebody else go on with a claim.",
         {"to": To, "orcid": Orcid, "lease": Lease}, is_of_attempt=True, is_of_one=True),
    Verb("release",   "op_asks.ReleaseOp",        "Give a claim back.", is_of_attempt=True),
    Verb("review",    "op_asks.ReviewOp",         "Accept, send back or reject what was handed in; never your own.",
         {"decision": Decision, "note": Note, "orcid": Orcid, "lease": Lease}, is_of_attempt=True, is_of_one=True),
    Verb("publish",   "op_asks.PublishOp",        "Publish an accepted attempt.", is_of_attempt=True),
    Verb("withdraw",  "op_asks.WithdrawOp",       "Take a publication back; needs --reason.",
         {"replacement": Replacement}, needs_reason=True, is_of_attempt=True),
    Verb("embargo",   "op_asks.EmbargoOp",        "Keep what is published from the public; by a policy, or --reason.",
         {"until": Until, "policy": Policy}, is_of_attempt=True),
    Verb("lift",      "op_asks.LiftOp",           "End an embargo early; needs --reason.", needs_reason=True,
         is_of_attempt=True),
)  # fmt: skip

offer(VERBS)
