"""The matrix as it stands: every row of the design has cells, all hostile input is in one of them, names are unique."""

from random import Random

import pytest

from service.faults.cells_bytes import FILES, MESSAGES, REQUESTS
from service.faults.hostile_files import hostile_files
from service.faults.hostile_messages import hostile_messages
from service.faults.hostile_requests import hostile_requests
from service.faults.matrix import CELLS

ROWS = {
    "decider",
    "projector",
    "worker",
    "intake, API",
    "broker",
    "PostgreSQL",
    "delivery, clock",
    "bytes",
    "operations",
}


def test_every_row_of_the_design_has_cells_and_no_cell_has_another():
    assert {cell.row for cell in CELLS} == ROWS


def test_names_are_unique():
    names = [cell.name for cell in CELLS]
    assert len(set(names)) == len(names)


def test_every_hostile_message_and_request_is_sent_by_exactly_one_cell():
    mark = {"stream": "s", "mark": "m"}
    known = [each.name for each in hostile_messages(sender="s", root="file:///x/", **mark)]
    assert sorted(known) == sorted(name for names in MESSAGES.values() for name in names)
    asked = [each.name for each in hostile_requests(partitions=3, **mark)]
    assert sorted(asked) == sorted(name for names in REQUESTS.values() for name in names)
    assert REQUESTS.keys() <= MESSAGES.keys()
    assert {each.format for each in hostile_files(mark="m")} == set(FILES)


def test_what_can_not_run_here_says_why_and_everything_else_may():
    told = {cell.name: cell.not_here() for cell in CELLS}
    missing = {name for name, reason in told.items() if reason is not None}
    elsewhere = {"broker.disk_full", "postgres.disk_full", "worker.disk_full", "operations.rebuild_and_swap"}
    assert missing <= elsewhere
    assert all(told[name] for name in missing)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_cell_does_nothing_before_its_first_step(cell):
    """The runner makes the generator, and only then begins to watch: what is done before would be nobody's."""
    steps = cell.inject(None, Random(1))
    assert hasattr(steps, "close")
    steps.close()
