"""Which files a command means: ids, ``-`` for ids from standard input, or a filter; the same options everywhere."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.bounds import read_bound, read_box, read_cone
from service.cli.errors import WrongUseError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from projectors.file_filter import Filter

__all__ = ["TIMES", "Selection", "read_ids", "read_time"]

TIMES = [
    f"%Y-%m-%d{time}{zone}" for time in ("", "T%H:%M", "T%H:%M:%S", "T%H:%M:%S.%f", " %H:%M", " %H:%M:%S")
    for zone in ("", "%z") if time or not zone
]  # fmt: skip
"""How moments that are still to come may be typed; one without a zone is UTC. Our own answers are among them."""

PURPOSES = ("science", "calibration", "engineering", "test")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Several = list[str] | None
IDS = typer.Argument(help="files as stream/name; - reads them from standard input", metavar="FILE|-")


@dataclass(frozen=True)
class Selection:
    """What was given; each field is an option of every command that takes files."""

    files: Annotated[Several, IDS] = None
    state: Annotated[Several, typer.Option(help="in this state; again for more", metavar="STATE")] = None
    stream: Annotated[Several, typer.Option(help="of this stream; again for more", metavar="STREAM")] = None
    code: Annotated[Several, typer.Option(help="with this open problem; again for more", metavar="CODE")] = (
        None
    )
    warning: Annotated[
        Several, typer.Option(help="with this warning, not acknowledged; again for more", metavar="CODE")
    ] = None
    purpose: Annotated[str | None, typer.Option(help="science, calibration, engineering or test")] = None
    name: Annotated[str | None, typer.Option(help="whose name matches, with * and ?", metavar="PATTERN")] = (
        None
    )
    since: Annotated[
        str | None, typer.Option(help="in its state since then: a UTC time, or 2h for two hours ago")
    ] = None
    until: Annotated[str | None, typer.Option(help="in its state since before then")] = None
    observed_since: Annotated[
        str | None, typer.Option(help="whose observation began then or later: a UTC time, or 2h")
    ] = None
    observed_until: Annotated[str | None, typer.Option(help="whose observation began before then")] = None
    instrument: Annotated[str | None, typer.Option(help="of this instrument, as files name it")] = None
    visit: Annotated[str | None, typer.Option(help="of this visit, or execution of a program")] = None
    exposure: Annotated[str | None, typer.Option(help="of this exposure")] = None
    detector: Annotated[str | None, typer.Option(help="of this detector, as files name it")] = None
    filter_name: Annotated[str | None, typer.Option("--filter", help="taken through this filter")] = None
    program: Annotated[str | None, typer.Option(help="of this observing program")] = None
    proposal: Annotated[
        str | None, typer.Option(help="of this proposal, as files or their observing programs name it")
    ] = None
    owner: Annotated[
        str | None, typer.Option(help="whose stream, or whose observing program, is this person's")
    ] = None
    target: Annotated[str | None, typer.Option(help="of this target, as files name it")] = None
    at: Annotated[
        str | None,
        typer.Option(help="within R of a place: degrees ICRS, such as 266.4,-29,0.5", metavar="RA,DEC,R"),
    ] = None
    box: Annotated[
        str | None,
        typer.Option(
            help="from RA1 eastward to RA2 and DEC1 up to DEC2, degrees ICRS", metavar="RA1,DEC1,RA2,DEC2"
        ),
    ] = None
    qa: Annotated[
        Several,
        typer.Option(help="whose check has such a value, as 'seeing<1.2'; again for more", metavar="CHECK<N"),
    ] = None
    where: Annotated[
        str | None,
        typer.Option(
            help='for which this holds, by columns of v1.file and v1.file_metadata: "exposure_s > 60 AND code IS NULL"',
            metavar="CONDITION",
        ),
    ] = None
    unacked: Annotated[bool, typer.Option("--unacked", help="whose problem nobody has acknowledged")] = False
    held: Annotated[bool, typer.Option("--held", help="on hold")] = False

    @property
    def is_empty(self) -> bool:
        """Nothing was given at all."""
        return self == Selection()

    @property
    def ids(self) -> list[str]:
        """The files named, standard input read."""
        return read_ids(self.files or ())

    def filter(self, *, states: Sequence[str] = ()) -> "Filter":
        """The filter, but for ``where``; ``states`` where none are given. Raises WrongUseError where it could not be
        meant so.
        """
        from projectors.file_filter import Filter

        if self.files and replace(self, files=None) != Selection():
            raise WrongUseError(
                "found both files and a filter, wanted one of them: of files that are named nothing is filtered out; "
                "meridian file list with the filter and -o ids names those that fit"
            )
        now = datetime.now(UTC)
        return Filter(
            states=_known(self.state, _states(), option="--state") or tuple(states),
            streams=tuple(self.stream or ()),
            codes=tuple(each.upper() for each in self.code or ()),
            warnings=tuple(each.upper() for each in self.warning or ()),
            purpose=next(
                iter(_known([self.purpose] if self.purpose else None, PURPOSES, option="--purpose")), None
            ),
            name=self.name,
            since=read_time(self.since, now=now, option="--since"),
            until=read_time(self.until, now=now, option="--until"),
            observed_since=read_time(self.observed_since, now=now, option="--observed-since"),
            observed_until=read_time(self.observed_until, now=now, option="--observed-until"),
            instrument=self.instrument,
            visit=self.visit,
            exposure=self.exposure,
            detector=self.detector,
            filter=self.filter_name,
            program=self.program,
            proposal=self.proposal,
            owner=self.owner,
            target=self.target,
            at=read_cone(self.at),
            box=read_box(self.box),
            qa=tuple(read_bound(each) for each in self.qa or ()),
            is_unacknowledged=self.unacked,
            is_held=self.held,
        )

    def with_where(self, wanted: "Filter", connection: "Connection") -> "Filter":
        """The filter with what ``--where`` says, by the columns that there are. Raises WrongUseError."""
        if self.where is None:
            return wanted
        from projectors.file_where import WhereError, columns_of, read_where

        try:
            return replace(wanted, where=read_where(self.where, columns_of(connection)))
        except WhereError as error:
            raise WrongUseError(f"--where {self.where}: {error}") from error


def _states() -> tuple[str, ...]:
    from machines.file_state import FileState

    return tuple(each.value for each in FileState if each is not FileState.NOTHING)


def _known(given: Several, known: Sequence[str], *, option: str) -> tuple[str, ...]:
    """As they are spelled, whatever the case; raises WrongUseError for one that there is not."""
    spelled = {each.casefold(): each for each in known}
    for each in given or ():
        if each.casefold() not in spelled:
            raise WrongUseError(f"{option} {each}: wanted one of {', '.join(known)}")
    return tuple(spelled[each.casefold()] for each in given or ())


def read_ids(given: Sequence[str]) -> list[str]:
    """The ids given, with those from standard input in place of ``-``; each once, in order."""
    ids: dict[str, None] = {}
    for each in given:
        lines = [line.strip() for line in sys.stdin] if each == "-" else [each]
        ids.update(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    return list(ids)


def read_time(text: str | None, *, now: datetime, option: str) -> datetime | None:
    """A time as people type it: UTC in ISO 8601, or so long ago; raises WrongUseError."""
    if text is None:
        return None
    if text[-1:] in _UNITS and text[:-1].replace(".", "", 1).isdigit():
        return now - timedelta(**{_UNITS[text[-1]]: float(text[:-1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongUseError(
            f"{option} {text}: wanted a time such as 2026-11-21T06:00Z, or 2h for two hours ago"
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
