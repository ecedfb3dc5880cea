"""``meridian op what-if`` and ``op readiness-study``: other criteria and policies on programs of the past."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.op_commands import app
from service.cli.op_scan import criteria_by_which, read_criteria
from service.cli.output import Column
from service.cli.session import Session, session_of
from service.wording import counted

if TYPE_CHECKING:
    from machines.program.criteria import Criteria
    from service.client import Client
    from service.judging_again import Judged, Op, Unmet

__all__ = ["what_if"]

FLIPS = (
    Column("op"),
    Column("before"),
    Column("after"),
    Column("programs", is_text=True),
    Column("because", is_text=True),
)
POLICIES = (
    Column("policy"),
    Column("unit"),
    Column("n", is_number=True),
    Column("too_early", is_number=True),
    Column("early_days_median", "days early, median", is_number=True, is_minor=True),
    Column("early_days_max", "most", is_number=True, is_minor=True),
    Column("late_days_median", "days late, median", is_number=True),
    Column("late_days_max", "most", is_number=True, is_minor=True),
    Column("reopened", is_number=True),
    Column("never", is_number=True, is_minor=True),
)

Catalogue = Annotated[
    Path | None,
    typer.Option("--catalogue", help="of this catalogue's file; what the ledger knows if not given"),
]


@app.command("what-if")
def what_if(
    context: typer.Context,
    criteria: Annotated[Path, typer.Option("--criteria", help="the other criteria, TOML or JSON")],
    catalogue: Catalogue = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            help="the criteria to compare with; if not given those in force, and of a catalogue's file those shipped",
        ),
    ] = None,
    with_histograms: Annotated[
        bool, typer.Option("--histograms/--no-histograms", help="each metric with its threshold, for people")
    ] = True,
) -> None:
    """Judge observing programs by other criteria: which would flip, and why. Nothing is recorded."""
    from machines.program.histogram import draw
    from service.judging_again import counterpart, judge_again

    session = session_of(context)
    after = read_criteria(criteria)
    before = None if against is None and catalogue is None else read_criteria(against)
    with _ops(session, catalogue, after.reads) as (ops, client):
        if before is None and client is not None:
            before = counterpart(criteria_by_which(client), after)
        before = before or read_criteria(None)
        judged = judge_again(ops, before, after)
    out = session.out
    if out.form in {"json", "ndjson"}:
        out.document(_members(judged, before, after), lines=(), ids="criteria")
    else:
        out.rows(FLIPS, [_flip(each) for each in judged.flips.flips], ids="op", empty="no OP would flip")
    if out.form == "table" and with_histograms:
        out.lines(line for each in judged.histograms for line in ("", *draw(each)))
    for line in _counts(judged, before, after):
        out.say(line)


@app.command("readiness-study")
def readiness_study(context: typer.Context, catalogue: Catalogue = None) -> None:
    """How each way of telling that a program is complete would have done: too early, too late, in days."""
    from service.judging_again import study_readiness

    session = session_of(context)
    with _ops(session, catalogue, frozenset()) as (ops, _):
        studied = study_readiness(ops)
    rows = [row._asdict() for row in studied.rows]
    session.out.rows(POLICIES, rows, ids="policy", empty="found no dataset with a date")
    if studied.undated:
        session.out.say(f"{counted(studied.undated, 'dataset')} left out: no creation date")
    if studied.made:
        session.out.say(
            f"complete with 90 % by …, as foretold at the first dataset from all others: the date held in "
            f"{studied.held} of {studied.made} programs"
        )


@contextmanager
def _ops(
    session: Session, catalogue: Path | None, significant: frozenset[str]
) -> "Iterator[tuple[Iterator[Op], Client | None]]":
    """The OPs of a catalogue's file, without any server; or those that the ledger knows, and who knows it."""
    from service.judging_again import of_catalogue, of_known

    if catalogue is None:
        from service.scanning import known

        with session.client() as client:
            yield of_known(known(client)), client
        return
    from consumers.catalogue.catalogue_file import CatalogueFile
    from consumers.catalogue.scan import scan
    from consumers.catalogue.spool_sql import Spool

    with Spool() as spool:
        found = scan(CatalogueFile(catalogue), (), significant=significant, spool=spool)
        for gap in found.gaps:
            session.out.say(f"not seen: {gap}")
        yield of_catalogue(found), None


def _flip(flip: Any) -> dict[str, Any]:
    return {
        "op": flip.op_id,
        "before": flip.before,
        "after": flip.after,
        "programs": [f"{name}: {was} → {would}" for name, was, would in flip.programs],
        "because": list(flip.because),
    }


def _members(judged: "Judged", before: "Criteria", after: "Criteria") -> dict[str, Any]:
    flips = judged.flips
    return {
        "against": before.label,
        "criteria": after.label,
        "ops": flips.ops,
        "ops_pass_before": flips.pass_before,
        "ops_pass_after": flips.pass_after,
        "programs_before": dict(judged.before),
        "programs_after": dict(judged.after),
        "unmet_before": {**judged.unmet_before._asdict(), "programs": dict(judged.unmet_before.programs)},
        "unmet_after": {**judged.unmet_after._asdict(), "programs": dict(judged.unmet_after.programs)},
        "flips": [_flip(each) for each in flips.flips],
        "histograms": [
            {**each._asdict(), "bars": [bar._asdict() for bar in each.bars]} for each in judged.histograms
        ],
    }


def _counts(judged: "Judged", before: "Criteria", after: "Criteria") -> Iterator[str]:
    flips = judged.flips
    told = (
        (before, judged.before, flips.pass_before, judged.unmet_before),
        (after, judged.after, flips.pass_after, judged.unmet_after),
    )
    for criteria, programs, passing, unmet in told:
        yield (
            f"{criteria.label}: {_of(programs)} instrument programs pass, so {passing} of {flips.ops} OPs can be "
            f"inverted{_not_met(unmet)}"
        )
    yield f"{counted(len(flips.flips), 'OP')} with a program that would be judged otherwise; nothing was recorded"


def _not_met(unmet: "Unmet") -> str:
    """Which criteria the others fail, the most frequent first."""
    counts = ", ".join(f"{name} {count}" for name, count in unmet.programs.most_common())
    return f"; not met: {counts}; {unmet.several} fail for more than one reason" if counts else ""


def _of(outcomes: Counter[str]) -> str:
    return f"{outcomes['pass']} of {outcomes['pass'] + outcomes['fail']}"
