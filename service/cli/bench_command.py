"""``meridian bench``: the figures, each beside its floor in the same run, on servers of the bench's own."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.ending import stopping_its_own
from service.cli.errors import AttentionError, WrongUseError
from service.cli.session import session_of

if TYPE_CHECKING:
    from service.bench.figure import Result

__all__ = ["bench"]


class Suite(StrEnum):
    """What can be measured."""

    CORE = "core"
    FILES = "files"
    INGEST = "ingest"
    PROGRAMS = "programs"


PARTS = {
    Suite.CORE: ("decide", "project", "latency"),
    Suite.FILES: (),
    Suite.INGEST: ("frames", "romans", "exposures", "hostile"),
    Suite.PROGRAMS: (),
}
LIVES, FRAMES, PROGRAMS = 50_000, 1_000, 10_000


def bench(  # noqa: PLR0913, PLR0917 - options, each by name
    context: typer.Context,
    suite: Annotated[
        Suite,
        typer.Argument(
            help="core: decider and projector; files: from announcement to view; "
            "ingest: whole files, from a folder or a store to COMPLETE; programs: verdicts of many observing programs"
        ),
    ],
    files: Annotated[
        int | None,
        typer.Option(
            help=f"lives of files in core ({LIVES}), frames of ingest ({FRAMES}), or observing programs ({PROGRAMS})"
        ),
    ] = None,
    times: Annotated[
        int, typer.Option(help="turns of core, ingest or programs, or files one after the other")
    ] = 3,
    only: Annotated[
        str | None, typer.Option(help="one part alone, of core or ingest", metavar="PART")
    ] = None,
    file_bytes: Annotated[int, typer.Option(help="size of each frame of ingest")] = 2_000_000,
    romans: Annotated[int, typer.Option(help="full-size images")] = 20,
    roman_side: Annotated[int, typer.Option(help="pixels along the side of each such image")] = 4088,
    sensor_bytes: Annotated[int, typer.Option(help="size of a sensor's file")] = 20_000_000,
    hostile: Annotated[
        Path | None, typer.Option(help="folder of hostile files and expected.json, else none")
    ] = None,
) -> None:
    """Measure, and print JSON: machine, settings, each figure with its floor and the ratio."""
    from service.bench.about import machine
    from service.bench.audited import is_clean

    settings, say = session_of(context).settings, session_of(context).out.say
    parts = _parts(suite, only)
    with stopping_its_own(say):
        if suite is Suite.CORE:
            from service.bench.throughput import bench_core

            result = bench_core(settings, files=files or LIVES, times=times, parts=parts, progress=say)
        elif suite is Suite.FILES:
            from service.bench.files import bench_files

            result = bench_files(settings, times=times, progress=say)
        elif suite is Suite.PROGRAMS:
            from service.bench.programs import bench_programs

            result = bench_programs(settings, programs=files or PROGRAMS, times=times, progress=say)
        else:
            from service.bench.ingest import Order, bench_ingest

            order = Order(times, files or FRAMES, file_bytes, romans, roman_side, hostile, sensor_bytes)
            if hostile is None and only is None:
                parts.remove("hostile")
            result = bench_ingest(settings, order, parts=parts, progress=say)
    _tell(result, machine())
    if not is_clean(result.audits):
        raise AttentionError(
            "the audit after the run is not zero: what was measured is wrong, see its offenders"
        )


def _tell(result: "Result", machine: dict[str, Any]) -> None:
    told = {
        "machine": machine,
        "versions": result.versions,
        "settings": result.settings,
        "figures": [each.as_json() for each in result.figures],
        "audits": result.audits,
    }
    typer.echo(json.dumps(told, indent=2))


def _parts(suite: Suite, only: str | None) -> list[str]:
    if only is None:
        return list(PARTS[suite])
    if only not in PARTS[suite]:
        known = ", ".join(PARTS[suite]) or "none, this suite is measured whole"
        raise WrongUseError(f"--only {only}: found no such part of {suite}, wanted one of: {known}")
    return [only]
