"""Every command there is, each with arguments that it could be given on a real site."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from service.cli import app

__all__ = ["COMMANDS", "WITHOUT_A_SITE", "arguments"]

# Commands that need nothing that runs, or that would start it.
WITHOUT_A_SITE = frozenset({
    "up", "down", "doctor", "demo", "bench", "faults", "test", "check", "codes", "formats", "validate", "op what-if",
    "op readiness-study", "report checks", "schema list", "schema show", "schema write", "schema check",
    "machine show", "machine diagram", "docs commands", "docs settings", "docs codes", "docs write",
})  # fmt: skip

_MORE: dict[str, list[str]] = {
    "bench": ["core"],
    "deadletter discard": ["0/17"],
    "deadletter redrive": ["0/17"],
    "deadletter show": ["0/17"],
    "file note": ["keck/x.fits", "looked at"],
    "group excuse": ["keck/night", "--places", "0-9"],
    "group expect": ["keck/night", "--files", "3"],
    "group note": ["keck/night", "looked at"],
    "identity transfer": ["KB.20261121.00001", "--to", "keck/x.fits"],
    "machine diagram": ["file"],
    "machine show": ["file"],
    "op assign": ["eid_1_118", "--owner", "me"],
    "op hand-over": ["eid_1_118", "--to", "me"],
    "op note": ["eid_1_118", "looked at"],
    "op review": ["eid_1_118", "accept", "--note", "fine"],
    "op unstage": ["eid_1_118", "--program", "1"],
    "replay": ["all"],
    "report qa": ["--check", "seeing", "--stream", "keck"],
    "run": ["decider"],
    "schema show": ["file.arrived"],
    "work redrive": ["keck/x.fits"],
}


def _commands(group: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from _commands(each, (*names, name))
        else:
            yield " ".join((*names, name)), each


COMMANDS: dict[str, Any] = dict(_commands(typer.main.get_command(app)))
"""By what is typed."""


def arguments(name: str, folder: Path) -> list[str]:
    """What it could be given; files are made in the folder."""
    if name in {"publish", "validate"}:
        event = folder / "event.json"
        event.write_text(
            '{"specversion": "1.0", "id": "7f3e", "source": "keck", "type": "file.arrived", '
            '"data": {"stream": "keck", "uri": "file:///landing/x.fits", "size_bytes": 1}}'
        )
        return [str(event)]
    if name == "op invert":
        (folder / "product.fits").write_bytes(b"x")
        told = ["--repository", "https://git.example/inversion", "--commit", "0" * 40, "--input", "d"]
        return ["eid_1_118", "--product", str(folder / "product.fits"), *told]
    if name == "op scan":
        (folder / "catalogue.json").write_text('{"data": {"datasetInventories": []}}')
        return [str(folder / "catalogue.json")]
    if name == "stream apply":
        (folder / "stream.toml").write_text('stream = "keck"\nsenders = ["keck"]\n')
        return [str(folder / "stream.toml")]
    if name in _MORE:
        return _MORE[name]
    takes = [each for each in COMMANDS[name].params if each.param_type_name == "argument"]
    return ["keck/x.fits" for each in takes if each.required or each.name == "files"]
