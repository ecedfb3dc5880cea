"""``meridian bench``: the figures, each beside its floor in the same run, on servers of the bench's own."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from service.cli.errors import AttentionError
from service.cli.session import session_of

__all__ = ["bench"]


class Suite(StrEnum):
    """What can be measured."""

    CORE = "core"
    FILES = "files"


class Part(StrEnum):
    """One part of core."""

    DECIDE = "decide"
    PROJECT = "project"
    LATENCY = "latency"


def bench(
    context: typer.Context,
    suite: Annotated[
        Suite, typer.Argument(help="core: decider and projector; files: from announcement to view")
    ],
    files: Annotated[int, typer.Option(help="lives of files in the workload of core")] = 50_000,
    times: Annotated[int, typer.Option(help="turns of core, or files one after the other")] = 3,
    only: Annotated[Part | None, typer.Option(help="one part of core alone")] = None,
) -> None:
    """Measure, and print JSON: machine, settings, each figure with its floor and the ratio."""
    from service.bench.about import machine
    from service.bench.audited import is_clean

    session = session_of(context)
    if suite is Suite.CORE:
        from service.bench.throughput import bench_core

        parts = [only.value] if only else list(Part)
        result = bench_core(session.settings, files=files, times=times, parts=parts, progress=session.out.say)
    else:
        from service.bench.files import bench_files

        result = bench_files(session.settings, times=times, progress=session.out.say)
    told = {
        "machine": machine(),
        "versions": result.versions,
        "settings": result.settings,
        "figures": [each.as_json() for each in result.figures],
        "audits": result.audits,
    }
    typer.echo(json.dumps(told, indent=2))
    if not is_clean(result.audits):
        raise AttentionError(
            "the audit after the run is not zero: what was measured is wrong, see its offenders"
        )
