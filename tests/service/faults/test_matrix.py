"""The matrix on servers of its own: a few cells by chance each time; and the harness, with a guard switched off."""

import re
import subprocess
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from events.without import GUARDS
from service.faults.matrix import CELLS, chosen
from service.faults.run import Order, Run
from service.settings import load

ROOT = Path(__file__).resolve().parents[3]
INJECTIONS = 8
ROWS = {"decider", "projector", "bytes"}
"""What can be made beside the rest of a test run: a server that is away or slow is for a run of its own."""

TURNS_RED = {
    "fencing": ("decider.after_poll.freeze", "decider.after_begin.freeze"),
    "compare_and_set": ("projector.before_compare_and_set.freeze", "projector.two_projectors"),
    "dedupe": ("projector.after_commit.kill",),
    "read_committed": ("decider.after_send.kill",),
    "contiguity": ("projector.hole",),
}
"""Cells that find out that a guard is off."""


def ran(order: Order, *, say: Callable[[str], None] = print) -> Run:
    run = Run(order, load(), say=say)
    print(f"seed {order.seed}")
    run.go()
    return run


def seed_of_today() -> int:
    """Another one for each commit and each day, so that the cells take turns."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return zlib.crc32(f"{commit.stdout.strip()} {datetime.now(UTC).date()}".encode())


@pytest.mark.servers
@pytest.mark.slow
def test_some_cells_of_the_matrix_leave_nothing_for_the_auditor_to_find():
    short = [cell for cell in CELLS if cell.times is None and not cell.alone and cell.row in ROWS]
    assert {cell.row for cell in short} == ROWS
    said: list[str] = []
    order = Order(cells=short, injections=INJECTIONS, every_s=(1.0, 3.0), seed=seed_of_today())
    run = ran(order, say=said.append)
    print(*said, sep="\n")
    red = [each.as_json() for each in run.tally.injections if each.is_red]
    assert (red, run.tally.offenders, run.tally.is_clean) == ([], [], True)
    assert run.tally.n >= INJECTIONS // 2
    lives = [int(found[1]) for line in said if (found := re.search(r"(\d+) programs;", line))]
    assert max(lives) > 0, "observing programs were under way, and some came to their end"


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.long
def test_a_worker_that_dies_at_any_step_of_a_publication_announces_it_once():
    cells = chosen(["worker.publication_*"])
    run = ran(Order(cells=cells, injections=2 * len(cells), every_s=(0.5, 1.5), seed=seed_of_today()))
    red = [each.as_json() for each in run.tally.injections if each.is_red]
    assert (red, run.tally.offenders, run.tally.is_clean) == ([], [], True)
    assert run.tally.n >= len(cells)


def test_there_is_a_cell_that_turns_red_for_every_guard():
    assert set(TURNS_RED) == set(GUARDS)
    assert [name for names in TURNS_RED.values() for name in names if not chosen([name])] == []


@pytest.mark.servers
@pytest.mark.long
@pytest.mark.parametrize("guard", GUARDS)
def test_the_matrix_turns_red_without(guard):
    order = Order(
        cells=[cell for name in TURNS_RED[guard] for cell in chosen([name])],
        seeds=5,
        every_s=(1.0, 1.0),
        audit_every=1,
        settle_s=20.0,
        seed=11,
        switched_off=guard,
        stop_at_red=True,
    )
    assert not ran(order).tally.is_clean
