"""``meridian report``: a stream's night, a shift, a check's values over the nights, and which checks there are."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.errors import AttentionError, WrongUseError
from service.cli.output import Column
from service.cli.session import session_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from projectors.stream_rules import StreamRule

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Reports: a night of a stream, a shift, a check over the nights, the checks."
)

TREND = (
    Column("night"), Column("files", is_number=True), Column("values", is_number=True),
    Column("failed", is_number=True), Column("lowest", is_number=True), Column("p10", is_number=True),
    Column("median", is_number=True), Column("p90", is_number=True), Column("highest", is_number=True),
    Column("unit"), Column("comparison"), Column("threshold", is_number=True), Column("threshold_text"),
)  # fmt: skip
CHECKS = (
    Column("check"), Column("level"), Column("comparison", "wanted"), Column("threshold"), Column("unit"),
    Column("formats", is_minor=True), Column("purposes"), Column("says", is_text=True),
)  # fmt: skip

OneStream = Annotated[str | None, typer.Option(help="of this stream; all of them if not given")]


@app.command("night")
def night(
    context: typer.Context,
    stream: OneStream = None,
    day: Annotated[
        datetime | None, typer.Option("--night", formats=["%Y-%m-%d"], help="its date; now if not given")
    ] = None,
    slowest: Annotated[int, typer.Option(min=0, max=1000, help="so many of the slowest files")] = 10,
) -> None:
    """A stream's night: files by state, errors and warnings not acknowledged, failed checks, how long stages took."""
    from events.clock import now
    from projectors.observing_night import night_of
    from projectors.stream_night import figures
    from service.cli.report_drawing import night_lines

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        reports = []
        for rule in _rules(connection, stream):
            wanted = night_of(now() if day is None else day.date(), rule.configuration.observing_day)
            reports.append(figures(connection, rule.stream, wanted, slowest=slowest))
    if stream is not None:
        session.out.document(reports[0], lines=night_lines(reports[0]), ids="stream")
        return
    lines = (line for report in reports for line in (*night_lines(report), "", ""))
    session.out.document({"streams": reports}, lines=lines, ids="streams.stream")


@app.command("shift")
def shift(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="from then on: a UTC time, or 8h for eight hours ago")] = "8h",
    until: Annotated[str | None, typer.Option(help="up to then; now if not given")] = None,
    stream: OneStream = None,
) -> None:
    """What a shift hands over: what happened since a time, what was done by hand and by whom, what waits."""
    from events.clock import now
    from projectors.shift import shift as handed_over
    from service.cli.selecting import read_time
    from service.cli.shift_drawing import shift_lines

    session, at = session_of(context), now()
    begin, end = read_time(since, now=at, option="--since"), read_time(until, now=at, option="--until") or at
    if begin is None or begin >= end:
        raise WrongUseError(f"--since {since}: wanted a time before {f'--until {until}' if until else 'now'}")
    with session.client() as client, client.engine.connect() as connection:
        if stream is not None:
            _rules(connection, stream)
        report = handed_over(connection, since=begin, until=end, stream=stream)
    session.out.document(report, lines=shift_lines(report), ids="since")


@app.command("qa")
def qa(
    context: typer.Context,
    check: Annotated[str, typer.Option(help="a check, or any value that the stream's format records")],
    stream: Annotated[str, typer.Option(help="of this stream")],
    nights: Annotated[int, typer.Option(min=1, max=3660, help="so many, up to now")] = 30,
    purpose: Annotated[str | None, typer.Option(help="of files for this purpose only")] = None,
) -> None:
    """A check's values over the nights in which files were observed, drawn; how many failed, and the threshold."""
    from events.clock import now
    from projectors.observing_night import night_of
    from projectors.qa_trend import trend
    from service.cli.report_drawing import trend_lines

    session = session_of(context)
    with session.client() as client, client.engine.connect() as connection:
        (rule,) = _rules(connection, stream)
        counted_by = rule.configuration.observing_day
        since = night_of(now() - timedelta(days=nights - 1), counted_by).begin
        rows = trend(connection, check, stream, rule=counted_by, since=since, purpose=purpose)
        if not rows:
            raise AttentionError(_nothing(connection, check, stream, since))
    if session.out.form == "table":
        session.out.lines(trend_lines(check, stream, rows))
        return
    session.out.rows(TREND, rows, ids="night")


@app.command("checks")
def checks(
    context: typer.Context,
    stream: Annotated[str | None, typer.Option(help="as this stream has them judged")] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="those that can judge files of this format")
    ] = None,
) -> None:
    """The checks there are: what each looks for, its level and threshold; with --stream, as the stream wants them."""
    from consumers.checks import known_checks
    from consumers.formats import FORMATS
    from service.check_list import listed

    session = session_of(context)
    configuration = None
    if stream is not None:
        with session.client() as client, client.engine.connect() as connection:
            (rule,) = _rules(connection, stream)
        configuration, form = rule.configuration, form or rule.configuration.format
    if form is not None and form not in FORMATS:
        raise WrongUseError(f"--format {form}: wanted one of {', '.join(FORMATS)}")
    rows = listed(known_checks().values(), format_name=form, configuration=configuration)
    session.out.rows(CHECKS, rows, ids="check")


def _rules(connection: "Connection", stream: str | None) -> "list[StreamRule]":
    """The stream that is meant, or all that are configured."""
    from projectors.stream_rules import read_rules

    rules = read_rules(connection)
    if stream is None:
        return list(rules.values())
    if stream not in rules:
        known = ", ".join(rules) or "none yet"
        raise WrongUseError(f"found no stream {stream}, wanted one of {known}")
    return [rules[stream]]


def _nothing(connection: "Connection", check: str, stream: str, since: datetime) -> str:
    from projectors.qa_trend import checks_of

    known = ", ".join(checks_of(connection, stream, since=since)) or "none"
    return f"{stream} has no results of {check} since {since:%Y-%m-%d}; it has results of: {known}"
