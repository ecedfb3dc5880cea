"""The README says what there is."""

import re
from pathlib import Path

import typer

from service.cli import app
from service.cli.docs_commands import command_lines, filled
from service.settings import Settings

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
