"""``meridian faults``: the matrix of faults on a site of its own, and what an audit finds afterwards."""

import json
import os
import platform
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.ending import stopping_its_own
from service.cli.errors import ToldError, WrongUseError
from service.cli.output import Column
from service.cli.session import Session, session_of

if TYPE_CHECKING:
    from service.faults.run import Order

__all__ = ["faults"]

EVERY_S = (2.0, 5.0)
LISTED = (Column("cell"), Column("row"), Column("not_here", "not here", is_text=True))
CELLS_RUN = (
    Column("cell"),
    Column("n", is_number=True),
    Column("red", is_number=True),
    Column("not_fired", is_number=True),
    Column("decide_p50_s", is_number=True),
    Column("decide_p95_s", is_number=True),
    Column("recover_p50_s", is_number=True),
    Column("recover_p95_s", is_number=True),
)
COUNTED = (
    Column("counter"),
    Column("found", is_number=True),
    Column("n", is_number=True),
    Column("bound_95", is_number=True),
    Column("looked_at", is_number=True),
)


def faults(  # noqa: PLR0913, PLR0917 - each is an option
    context: typer.Context,
    cell: Annotated[
        list[str] | None, typer.Option(help="cells by name or pattern, such as 'decider.*.kill'")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="turns of each cell")] = None,
    injections: Annotated[
        int | None, typer.Option(help="so many that fire in all, cells and seeds by chance")
    ] = None,
    every: Annotated[float | None, typer.Option(help="seconds between injections; 2 to 5, by chance")] = None,
    sites: Annotated[
        int, typer.Option(min=1, max=8, help="so many side by side, each with its own servers")
    ] = 1,
    seed: Annotated[int | None, typer.Option(help="of the run; the same dice again")] = None,
    without: Annotated[str | None, typer.Option(help="switch a guard off: the run has to turn red")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the result there")] = None,
    endurance: Annotated[
        bool,
        typer.Option(
            "--endurance", help="kill anything at random under a heavy load, then compare rebuilt views"
        ),
    ] = False,
    requests: Annotated[int, typer.Option(help="of the heavy load, some ten a file")] = 500_000,
    kills: Annotated[int, typer.Option(help="under the heavy load")] = 100,
    listing: Annotated[bool, typer.Option("--list", help="name the cells and run nothing")] = False,
) -> None:
    """Hit a site of its own with faults, and print what an audit finds; exit code 1 if it is anything."""
    from service.faults.endurance import CELLS as ENDURANCE
    from service.faults.endurance import enduring
    from service.faults.matrix import chosen

    session = session_of(context)
    cells = list(ENDURANCE) if endurance else chosen(cell or [])
    if not cells:
        raise WrongUseError(
            f"found no cell named {', '.join(cell or [])}, wanted some of meridian faults --list"
        )
    if listing:
        listed = [{"cell": each.name, "row": each.row, "not_here": each.not_here() or ""} for each in cells]
        session.out.rows(LISTED, listed, ids="cell")
        return
    from service.faults.run import Order

    _check(without, sites=sites, endurance=endurance)
    order = Order(
        cells=cells,
        injections=injections,
        seeds=seeds if seeds or injections else 1,
        every_s=(every, every) if every is not None else EVERY_S,
        sites=sites,
        seed=secrets.randbits(32) if seed is None else seed,
        switched_off=without,
        stop_at_red=without is not None,
    )
    if endurance:
        order = enduring(order, requests=requests, kills=kills)
    _carry_out(session, order, json_file)


def _carry_out(session: Session, order: "Order", json_file: Path | None) -> None:
    from service.faults.report import told
    from service.faults.run import Run

    began = time.time()

    def result(run: Run) -> dict[str, Any]:
        return told(run, cells=order.cells, seconds=time.time() - began, machine=_machine())

    def write(run: Run) -> None:
        if json_file is not None:
            json_file.write_text(json.dumps(result(run), indent=1))

    session.out.say(f"seed {order.seed}, {len(order.cells)} cells")
    run = Run(order, session.settings, say=session.out.say, audited=write)
    with stopping_its_own(session.out.say):
        try:
            run.go()
        finally:
            write(run)
            _conclude(session, result(run))
    if not run.tally.is_clean:
        raise ToldError("the counters are not all zero; the answer has who and where")


def _conclude(session: Session, result: dict[str, Any]) -> None:
    if session.out.form == "table":
        session.out.rows(CELLS_RUN, result["cells"], ids="cell")
        counted = [{"counter": name, **found} for name, found in result["counters"].items()]
        session.out.rows(COUNTED, counted, ids="counter")
    else:
        session.out.document(result, lines=(), ids="version")
    session.out.say(f"{result['n']} injections fired of {result['thrown']} that were thrown")
    for vain in result["not_fired"]:
        session.out.say(f"not fired: {vain['cell']}, seed {vain['seed']}: {vain['reason']}")
    for name, reason in result["not_run"].items():
        session.out.say(f"not run: {name}: {reason}")


def _check(without: str | None, *, sites: int, endurance: bool) -> None:
    from events.breakable import MARK, may_break
    from events.without import GUARDS

    if not may_break():
        raise WrongUseError(
            f"this build may not be broken on purpose: found no {MARK}, wanted a checkout with its tests"
        )
    if without is not None and without not in GUARDS:
        raise WrongUseError(f"found the guard {without!r}, wanted one of {', '.join(GUARDS)}")
    if endurance and sites > 1:
        raise WrongUseError(
            f"found --sites {sites} beside --endurance, wanted one: its load fills the machine"
        )


def _machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
