"""``meridian docs``: tables for the README, written from what there is, so that a test can hold them equal."""

from collections.abc import Iterator
from typing import Any

import typer

from service.cli.output import Output

__all__ = ["app", "command_lines", "settings_lines"]

app = typer.Typer(no_args_is_help=True, hidden=True, help="Tables for the README.")


@app.command("commands")
def commands() -> None:
    """The table of commands."""
    Output().lines(command_lines())


@app.command("settings")
def settings() -> None:
    """The table of settings."""
    Output().lines(settings_lines())


def command_lines() -> list[str]:
    """One line a command, as Markdown."""
    from service.cli import app as meridian

    found = _commands(typer.main.get_command(meridian), "")
    return [
        "| command | what it does |",
        "|---|---|",
        *(f"| `{name}` | {_escaped(text)} |" for name, text in found),
    ]


def settings_lines() -> list[str]:
    """One line a setting, as Markdown."""
    from service.settings import PREFIX, PROJECT, Settings

    lines = ["| setting | default | |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = str(field.default).replace(f"{PROJECT}/", "") if field.default not in {None, ""} else ""
        if isinstance(field.default, dict):
            default = ",".join(f"{key}={value}" for key, value in field.default.items())
        shown = f"`{default}`" if default else ""
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown} | {_escaped(field.description or '')} |")
    return lines


def _commands(command: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for name, each in command.commands.items():
        if each.hidden:
            continue
        if hasattr(each, "commands"):
            yield from _commands(each, f"{prefix}{name} ")
        else:
            yield (
                f"{prefix}{name}{_arguments(each)}",
                (each.help or "").partition("\n\n")[0].replace("\n", " "),
            )


def _arguments(command: Any) -> str:
    names = [
        param.metavar or param.name.upper() for param in command.params if param.param_type_name == "argument"
    ]
    return "".join(f" {name}" for name in names)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
