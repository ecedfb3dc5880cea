"""``meridian audit``: an independent look at ledger, views and archive: eight counters, all zero or with evidence."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.errors import ToldError, WrongUseError
from service.cli.session import session_of

if TYPE_CHECKING:
    from service.audit import Counter, Findings

__all__ = ["audit", "findings_lines"]


def audit(
    context: typer.Context,
    settle: Annotated[
        float,
        typer.Option(
            help="seconds that what stood there at the beginning may take to be caught up with", min=0
        ),
    ] = 60.0,
    expected: Annotated[
        Path | None, typer.Option(help="what a sender noted of what it sent, a JSON object a line")
    ] = None,
    no_effects: Annotated[
        bool, typer.Option("--no-effects", help="leave the archive and its registers out")
    ] = False,
    sample: Annotated[
        float | None,
        typer.Option(
            help="share of objects whose bytes are read; as many as make 1 GiB if not given", min=0, max=1
        ),
    ] = None,
) -> None:
    """Check the laws from outside, also while a site runs; exit 1 where something is wrong."""
    from service.audit.audit import audit_site
    from service.audit.expected import ExpectedError

    session = session_of(context)
    try:
        found = audit_site(
            session.wiring,
            expected=expected,
            settle_s=settle,
            effects=not no_effects,
            sample=sample,
            progress=session.out.say,
        )
    except ExpectedError as error:
        raise WrongUseError(str(error)) from error
    session.out.document(found.as_json(), lines=findings_lines(found), ids="site")
    if not found.is_clean:
        raise ToldError("the counters are not all zero; the answer has who and where")


def findings_lines(found: "Findings") -> Iterator[str]:
    """For people: a line a counter, then the first offenders of each that is not zero."""
    records, memory_mb = (found.numbers.get(name, 0) for name in ("records", "rss_all_mb"))
    yield f"site {found.site} at {found.at:%Y-%m-%d %H:%M:%S} UTC: {records:,} records in {found.seconds:.1f} s"
    if found.seconds:
        yield f"{records / found.seconds:,.0f} records a second, {memory_mb:,} MB in all its processes at most"
    yield ""
    yield f"{'COUNTER':15}{'FOUND':>9}{'OF':>14}   AT 95 %"
    for name, counter in found.counters.items():
        yield f"{name:15}{counter.found:>9,}{counter.n:>14,}   {_bound(counter)}"
    if found.tainted.n or found.tainted.found:
        yield f"{'(tainted)':15}{found.tainted.found:>9,}{found.tainted.n:>14,}   set aside by the projector"
    for name, counter in (*found.counters.items(), ("tainted", found.tainted)):
        yield from _offenders(name, counter)
    yield ""
    yield from (f"not looked at: {note}" for note in found.notes)
    yield "all eight are zero" if found.is_clean else f"NOT CLEAN: {', '.join(found.raised)}"


def _bound(counter: "Counter") -> str:
    if counter.found:
        return f"{counter.found / counter.n:.2%} of them" if counter.n else ""
    return "nothing to look at" if counter.bound is None else f"below {counter.bound:.2g}"


def _offenders(name: str, counter: "Counter") -> Iterator[str]:
    from service.audit import COUNTERS

    if not counter.found:
        return
    yield ""
    yield f"{name}: {COUNTERS.get(name, 'views of subjects that the projector has set aside')}"
    for each in counter.offenders:
        yield f"  {each.subject or '(no subject)'}"
        yield f"    found   {each.found}"
        yield f"    wanted  {each.wanted}"
        parts = (each.position, f"event {each.event_id}" if each.event_id else "")
        if any(parts):
            yield f"    at      {'  '.join(part for part in parts if part)}"
    left = counter.found - len(counter.offenders)
    if left > 0:
        yield f"  and {left:,} more"
