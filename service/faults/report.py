"""A run's result as JSON: what was run on what, each cell, each counter with its bound, and what was not run."""

from collections.abc import Sequence
from typing import Any

from service.faults.cell import Cell
from service.faults.injection import Injection, State
from service.faults.run import Run
from service.stack import jars
from service.version import software_version

__all__ = ["told"]


def told(run: Run, *, cells: Sequence[Cell], seconds: float, machine: dict[str, Any]) -> dict[str, Any]:
    """Everything that somebody needs to judge the run or to do it again."""
    order, tally = run.order, run.tally
    ran = {each.cell.name for each in tally.injections}
    return {
        "version": software_version(),
        "machine": machine,
        "servers": {"kafka": jars.version_of("kafka"), "s3proxy": jars.version_of("s3proxy")},
        "settings": {
            "seed": order.seed,
            "injections": order.injections,
            "seeds": order.seeds,
            "sites": order.sites,
            "every_s": order.every_s,
            "without": order.switched_off,
            "requests_per_s": order.rates.requests,
            "files_per_s": order.rates.files,
        },
        "seconds": round(seconds, 1),
        "n": tally.n,
        "thrown": len(tally.injections),
        "not_fired": [_vain(each) for each in tally.injections if each.state is State.NOT_FIRED],
        "audits": tally.audits,
        "is_clean": tally.is_clean,
        "counters": tally.counters(),
        "offenders": tally.offenders,
        "evidence": tally.evidence,
        "cells": tally.by_cell(),
        "not_run": {cell.name: cell.not_here() or "not chosen" for cell in cells if cell.name not in ran},
        "injections": [each.as_json() for each in tally.injections],
    }


def _vain(injection: Injection) -> dict[str, Any]:
    return {"cell": injection.cell.name, "seed": injection.seed, "reason": injection.reason}
