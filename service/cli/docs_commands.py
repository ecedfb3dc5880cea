"""``meridian docs``: tables for the README, written from what there is, so that a test can hold them equal."""

from collections.abc import Iterator
from typing import Any

import typer

from service.cli.errors import AttentionError
from service.cli.output import Output

__all__ = ["app", "code_lines", "command_lines", "filled", "settings_lines"]

app = typer.Typer(no_args_is_help=True, hidden=True, help="Tables for the README.")


@app.command("commands")
def commands() -> None:
    """The table of commands."""
    Output().lines(command_lines())


@app.command("settings")
def settings() -> None:
    """The table of settings."""
    Output().lines(settings_lines())


@app.command("codes")
def codes() -> None:
    """The table of codes of files that are INVALID."""
    Output().lines(code_lines())


@app.command("write")
def write() -> None:
    """Put the tables into README.md, between their markers."""
    from service.settings import PROJECT

    readme = PROJECT / "README.md"
    readme.write_text(filled(readme.read_text("utf-8")), "utf-8")


def filled(text: str) -> str:
    """The text with the tables as they are now."""
    tables = (("codes", code_lines()), ("commands", command_lines()), ("settings", settings_lines()))
    for name, lines in tables:
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise AttentionError(f"README.md: found no {begin} … {end}, wanted both")
        text = "\n".join([f"{before}{begin}", *lines, f"{end}{after}"])
    return text


def command_lines() -> list[str]:
    """One line a command, as Markdown."""
    from service.cli import app as meridian

    found = _commands(typer.main.get_command(meridian), "")
    return [
        "| command | what it does |",
        "|---|---|",
        *(f"| `{_escaped(name)}` | {_escaped(text)} |" for name, text in found),
    ]


def code_lines() -> list[str]:
    """One line a code that makes a file INVALID, as Markdown; the command ``codes`` lists all others too."""
    from events.codes import codes

    told = (f"| {each.code} | {each.says} | {each.cause} | {each.remedy} |" for each in codes("invalid"))
    return ["| code | what it says | likely cause | remedy |", "|---|---|---|---|", *told]


def settings_lines() -> list[str]:
    """One line a setting, as Markdown."""
    from service.settings import PREFIX, PROJECT, Settings

    lines = ["| setting | default | |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        value = field.get_default(call_default_factory=True)
        default = "" if value is None else str(value).replace(f"{PROJECT}/", "")
        if isinstance(value, dict):
            default = ",".join(f"{key}={count}" for key, count in value.items())
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
    return "".join(f" {_argument(each)}" for each in command.params if each.param_type_name == "argument")


def _argument(param: Any) -> str:
    name = param.metavar or param.name.upper()
    return f"{name if param.required else f'[{name}]'}{'…' if param.nargs < 0 else ''}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
