"""The README says what there is."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from service.cli import app
from service.cli.docs_commands import command_lines, filled
from service.cli.examples import EXAMPLES
from service.cli.options import hoisted
from service.settings import Settings
from tests.service.cli.command_line import meridian
from tests.service.cli.every_command import COMMANDS

README = Path(__file__).resolve().parents[3] / "README.md"


def test_its_tables_of_commands_and_settings_are_current():
    """Mended by ``meridian docs write``."""
    text = README.read_text("utf-8")
    assert filled(text) == text


def test_the_table_has_every_command_that_can_be_seen():
    table = "\n".join(command_lines())
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        if not command.hidden:
            assert re.search(rf"^\| `{name}[ `]", table, re.MULTILINE), name


def test_every_command_says_what_it_does_in_a_sentence():
    for line in command_lines()[2:]:
        text = line.rsplit(" | ", 1)[1].removesuffix(" |")
        assert text.endswith("."), line
        assert len(text) < 140, line


def test_every_setting_says_what_it_is():
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("name", "example"), [(name, each) for name, examples in EXAMPLES.items() for each in examples]
)
def test_every_example_is_one_that_its_command_reads(name, example):
    words = hoisted(shlex.split(example.rpartition("| meridian ")[2]))
    command = typer.main.get_command(app)
    context = command.make_context("meridian", [*words])
    for part in name.split():
        group: Any = context.command
        rest = [*context._protected_args, *context.args]
        assert rest[0] == part
        context = group.commands[part].make_context(part, rest[1:], parent=context)
    assert not context.args


def test_the_help_of_a_command_shows_examples_and_the_options_that_all_take(capsys):
    said = meridian(capsys, "file", "retry", "--help").out
    assert "meridian file retry --state ERROR" in said
    assert "--reason --actor" in " ".join(said.split())


def test_every_argument_and_option_says_what_it_is():
    silent = [
        f"{name} {each.name}"
        for name, command in COMMANDS.items()
        for each in command.params
        if not each.help
    ]
    assert silent == []
