"""``meridian op scan``: a metadata catalogue held against the ledger, and what differs asked for."""

import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.asking import asked_row
from service.cli.errors import UNREACHABLE, AttentionError, ToldError, WrongUseError
from service.cli.op_commands import app
from service.cli.output import Column
from service.cli.session import Session, session_of
from service.wording import counted

if TYPE_CHECKING:
    from consumers.catalogue.look import Source
    from consumers.catalogue.outline import Outline
    from consumers.catalogue.scan import RecordProblem, Scan
    from machines.program.criteria import Criteria
    from service.client import Asked, Client
    from service.scanned_before import ScannedBefore

__all__ = ["TOKEN", "criteria_by_which", "read_criteria", "read_token"]

CHANGES = (
    Column("op"),
    Column("what"),
    Column("added", is_number=True),
    Column("changed", is_number=True),
    Column("gone", is_number=True),
    Column("metadata", is_number=True),
    Column("members", "changed members", is_text=True),
    Column("reopens", is_text=True),
)
_SHOWN, _SOURCES_SHOWN = 20, 3
TOKEN = "MERIDIAN_CATALOGUE_TOKEN"  # noqa: S105 - the name of a variable

CriteriaFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--criteria", help="by these criteria instead of those in force, TOML or JSON; again for more"
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what differs; ask for nothing")]


InPlaceOf = Annotated[
    list[str] | None,
    typer.Option(
        "--in-place-of",
        help="what this source told of and the scanned one lacks is gone too, such as yesterday's file; "
        "again for more",
        metavar="SOURCE",
    ),
]


TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help=f"a bearer token for its server; without it, what {TOKEN} has"),
]
Timeout = Annotated[
    float | None, typer.Option(min=0.1, help="how long its server may be silent, seconds", metavar="SECONDS")
]


@app.command("scan")
def scan_catalogue(  # noqa: PLR0913, PLR0917 - each is an option
    context: typer.Context,
    source: Annotated[
        str | None, typer.Argument(help="a catalogue's file, or its http(s) address", metavar="FILE|URL")
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option("--frames", help="our own files of this stream as the catalogue", metavar="STREAM"),
    ] = None,
    dry_run: DryRun = False,
    confirm: Annotated[
        int | None,
        typer.Option("--confirm", help="so many OPs may be re-opened, as the scan that stopped said"),
    ] = None,
    criteria: CriteriaFiles = None,
    page_size: Annotated[
        int | None,
        typer.Option("--page-size", min=1, help="ask an address page by page, so many records each"),
    ] = None,
    document: Annotated[bool, typer.Option("--document", help="the address gives one document")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="read an address even if it says that nothing has changed there")
    ] = False,
    in_place_of: InPlaceOf = None,
    token_file: TokenFile = None,
    timeout: Timeout = None,
) -> None:
    """Look a metadata catalogue through for observing programs: new, changed, gone."""
    from consumers.catalogue.scan import scan
    from consumers.catalogue.spool_sql import Spool
    from service.scanned_before import ScannedBefore
    from service.scanning import known

    if (source is None) == (frames is None):
        raise WrongUseError("wanted a catalogue: FILE, URL or --frames STREAM, one of them")
    session = session_of(context)
    with session.client() as client, Spool() as spool:
        judging = [read_criteria(path) for path in criteria] if criteria else criteria_by_which(client)
        significant = frozenset[str]().union(*(each.reads for each in judging))
        asked = {"page_size": page_size, "document": document}
        before = ScannedBefore(client, source or "", significant=significant, asked=asked)
        given = {"token": read_token(token_file, source), "timeout_s": timeout}
        catalogue = _source(client, source, frames, before=None if again else before, **asked, **given)
        found = scan(
            catalogue,
            known(client),
            significant=significant,
            spool=spool,
            in_place_of=[*(in_place_of or ()), *([f"group {frames}/"] if frames else ())],
            leaves_others=frames is not None,
        )
        _print(session, found)
        if not dry_run and not found.look.unchanged:
            _confirm(session, found, confirm)
            before.forget()
            _record(session, client, found, max(each.version for each in judging))
            if found.look.is_whole:
                _remember(session, before, found)
    if found.gaps:
        raise ToldError("the scan could not see everything; scan again when the catalogue answers whole")


def _source(
    client: "Client", source: str | None, frames: str | None, *, before: "ScannedBefore | None", **asked: Any
) -> "Source":
    """The catalogue that is meant; raises WrongUseError where it is none."""
    from service.scanning import NoSourceError, frames_source, source_of

    if source is None:
        if asked["token"] is not None or asked["timeout_s"] is not None:
            raise WrongUseError("--frames are our own files: they take neither a token nor a time-out")
        return frames_source(client, str(frames))
    is_address = source.startswith(("http://", "https://"))
    validators = before.validators() if before is not None and is_address else {}
    try:
        return source_of(
            source,
            page_size=asked["page_size"],
            is_document=asked["document"],
            validators=validators,
            token=asked["token"],
            timeout_s=asked["timeout_s"],
        )
    except NoSourceError as error:
        raise WrongUseError(str(error)) from error


def read_token(path: Path | None, source: str | None) -> str | None:
    """From a file or the environment: on the command line everybody on the machine could read it."""
    if path is not None:
        try:
            told = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise WrongUseError(f"--token-file {path}: {error}") from error
    elif source is not None and source.startswith(("http://", "https://")):
        told = os.environ.get(TOKEN, "")
    else:
        return None
    token = told.strip()
    if path is not None and not token:
        raise WrongUseError(f"--token-file {path}: found nothing in it, wanted a token")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise WrongUseError(
            "the token: found blanks or other signs in it, wanted one word of printable ASCII"
        )
    return token or None


def _remember(session: Session, before: "ScannedBefore", found: "Scan") -> None:
    try:
        before.remember(found.look.validators)
    except OSError as error:
        session.out.say(f"what its server said can't be kept ({error}): the next scan reads it all again")


def read_criteria(path: Path | None) -> "Criteria":
    """The criteria in a file, or those that are shipped; raises WrongUseError naming each member that is wrong."""
    from consumers.policies import PolicyFileError
    from consumers.policies import criteria as read

    try:
        return read(path)
    except PolicyFileError as error:
        raise WrongUseError(str(error)) from error


def criteria_by_which(client: "Client") -> "Sequence[Criteria]":
    """The criteria of the stream that is the home of observing programs; raises AttentionError where they can't be."""
    from consumers.failures import Failed
    from consumers.homes import Homes, criteria_in_force

    try:
        return criteria_in_force(Homes(client.engine).now())
    except Failed as error:
        raise AttentionError(str(error)) from error


def _print(session: Session, found: "Scan") -> None:
    rows = (_row(each) for each in found.outlines())
    out = session.out
    if out.form in {"json", "ndjson"}:
        out.document(_members(found), lines=(), ids="source", long=("ops", rows))
    else:
        out.rows(CHANGES, rows, ids="op", empty="")
    for line in _remarks(found):
        out.say(line)


def _row(outline: "Outline") -> dict[str, Any]:
    return {
        "op": outline.op_id,
        "what": "new" if outline.is_new else "changed",
        **{kind: outline.counts[kind] for kind in ("added", "changed", "gone", "metadata")},
        "members": [path for path, _ in outline.members.most_common()],
        "reopens": list(outline.reopens),
        "gone_datasets": outline.gone,
    }


def _members(found: "Scan") -> dict[str, Any]:
    return {
        "source": found.source,
        "unchanged": found.look.unchanged,
        "not_seen_of_others": found.others,
        "counts": dict(found.counts),
        "question": None if found.question is None else str(found.question),
        "gaps": [each._asdict() for each in found.gaps],
        "problems": [
            {"at": each.at, "op": each.op_id, "dataset": each.dataset_id, **each.problem._asdict()}
            for each in found.problems
        ],
    }


def _remarks(found: "Scan") -> Iterator[str]:
    counts = found.counts
    if found.look.unchanged:
        yield (
            f"{found.source}: its server says that nothing has changed since it was last scanned whole; "
            "--again reads it all the same"
        )
        return
    yield from (_problem(each) for each in found.problems[:_SHOWN])
    if counts["problems"] > _SHOWN:
        yield f"and {counts['problems'] - _SHOWN} more problems; -o json lists the first thousand"
    yield from (f"not seen: {each}" for each in found.gaps[:_SHOWN])
    if counts["gaps"] > _SHOWN:
        yield f"and {counts['gaps'] - _SHOWN} more gaps; -o json lists the first thousand"
    if found.gaps and counts["unseen"]:
        yield (
            f"{counted(counts['unseen'], 'dataset')} known and not seen: not called gone, as not everything was seen"
        )
    for source, missing in list(found.others.items())[:_SOURCES_SHOWN]:
        yield (
            f"{counted(missing, 'dataset')} that {source} told of and this has not: not called gone; "
            f"--in-place-of {shlex.quote(source)} says that they are"
        )
    if counts["arriving"]:
        yield f"{counted(counts['arriving'], 'dataset')} not told of yet: frames of them are still to come"
    if counts["left"]:
        yield f"{counted(counts['left'], 'dataset')} left to the catalogues that have told of them"
    if not counts["records"] and not found.gaps:
        yield f"{found.source}: found no record, wanted datasets; look whether it is the right one"
    yield f"{found.source}: {_totals(counts)}"


def _problem(each: "RecordProblem") -> str:
    where = f"{each.at} ({each.dataset_id})" if each.dataset_id else each.at
    return f"{where}: {each.problem.path}: found {each.problem.found}, wanted {each.problem.wanted}"


def _totals(counts: Counter[str]) -> str:
    told = {
        "ops_new": ("new OP", ""), "ops_changed": ("changed OP", ""), "added": ("dataset", " added"),
        "changed": ("dataset", " changed"), "gone": ("dataset", " gone"),
        "metadata_changed": ("dataset", " with other metadata"),
    }  # fmt: skip
    seen = f"{counted(counts['datasets'], 'dataset')} of {counted(counts['ops'], 'OP')} seen"
    differs = [f"{counted(counts[name], what)}{how}" for name, (what, how) in told.items() if counts[name]]
    problems = f"; {counted(counts['problems'], 'problem')} in records" if counts["problems"] else ""
    return f"{seen}; {', '.join(differs) or 'nothing differs from what is known'}{problems}"


def _confirm(session: Session, found: "Scan", confirmed: int | None) -> None:
    """Stop and ask where too much would be re-opened."""
    question = found.question
    if question is None or (confirmed is not None and question.reopened <= confirmed):
        return
    if session.options.yes or os.isatty(0):
        session.confirm(f"{question}. Go on?")
        return
    raise AttentionError(
        f"{question}; nothing was asked: the same with --confirm {question.reopened} goes on"
    )


def _record(session: Session, client: "Client", found: "Scan", criteria_version: int) -> None:
    from service.client import new_id
    from service.scanning import asks_of, record

    batch = new_id()
    results = Counter[str]()
    asked = record(client, asks_of(found, criteria_version=criteria_version), batch=batch)
    for line in _told(asked, results):
        session.out.say(line)
    if results:
        counts = ", ".join(f"{count} {result}" for result, count in results.items())
        session.out.say(f"{counted(results.total(), 'request')}: {counts}; batch {batch}")
    if results["in doubt"]:
        session.out.say(
            "in doubt: no outcome came in time; nothing is lost: scan again, it asks for what is missing"
        )
        raise ToldError(
            f"{counted(results['in doubt'], 'request')} in doubt; scan again, it asks for what is missing",
            code="IN_DOUBT", exit_code=UNREACHABLE,
        )  # fmt: skip
    if results["refused"]:
        raise ToldError(f"{counted(results['refused'], 'request')} refused", code="REFUSED")


def _told(asked: "Iterable[Asked]", results: Counter[str]) -> Iterator[str]:
    """Count what became of requests; a line for each of the first refusals."""
    for each in asked:
        row = asked_row(each)
        results[row["result"]] += 1
        if row["result"] == "refused" and results["refused"] <= _SHOWN:
            yield f"{row['subject']}: {row['request']} refused: {'; '.join(row['reasons'])}"
