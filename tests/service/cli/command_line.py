"""Running the command line inside a test: what it printed where, and its exit code."""

from dataclasses import dataclass

import pytest

from service.cli import run


@dataclass(frozen=True)
class Said:
    """What one command gave."""

    code: int
    out: str
    err: str


def meridian(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    """One command, as if typed."""
    capsys.readouterr()
    code = run(arguments)
    captured = capsys.readouterr()
    return Said(code, captured.out, captured.err)
