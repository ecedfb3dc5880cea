"""Lifecycles as tables and diagrams: nothing is left out."""

import json
import re

import pytest

from machines import MACHINES
from service.cli.machine_commands import diagram_of, life_of
from tests.service.cli.command_line import meridian


@pytest.mark.parametrize("machine", list(MACHINES))
@pytest.mark.parametrize("form", ["mermaid", "dot", "text"])
def test_every_state_and_every_change_is_in_the_diagram(machine, form):
    life = life_of(machine)
    text = "\n".join(diagram_of(life, form, title=machine))
    for state in life.states:
        name = "[*]" if form == "mermaid" and state == life.initial else state.value
        assert re.search(rf"(^|[\s\"]){re.escape(name)}($|[\s\":;])", text), name
    for _, fact, source, end in life.transitions():
        assert source == end or fact.partition(".")[2] in text


@pytest.mark.parametrize("machine", list(MACHINES))
def test_the_diagram_for_programs_has_every_change_of_state(capsys, machine):
    edges = json.loads(meridian(capsys, "machine", "diagram", machine, "-o", "json").out)
    told = {(edge["from"], fact, edge["to"]) for edge in edges for fact in edge["facts"]}
    changes = [each[1:] for each in life_of(machine).transitions() if each[2] != each[3]]
    assert told == {(source.value, fact.partition(".")[2], end.value) for fact, source, end in changes}


@pytest.mark.parametrize("machine", list(MACHINES))
def test_the_table_has_every_row_with_its_states(capsys, machine):
    rows = json.loads(meridian(capsys, "machine", "show", machine, "-o", "json").out)
    life = life_of(machine)
    assert len(rows) == len(life.rows)
    for row, own in zip(rows, life.rows, strict=True):
        assert row["fact"] == own.fact.name
        assert row["from"]
    told = {(row["request"] or "", row["fact"], source) for row in rows for source in row["from"]}
    assert told == {(request, fact, source.value) for request, fact, source, _ in life.transitions()}


def test_an_unknown_machine_is_wrong_use(capsys):
    said = meridian(capsys, "machine", "show", "night")
    assert (said.code, said.out) == (2, "")
    assert "wanted one of file, group, identity, op, stream" in said.err
