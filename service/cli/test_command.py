"""``meridian test``: format, lint, types, import direction, fast tests, then the whole suite on real servers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.errors import ToldError, WrongUseError
from service.cli.output import Column
from service.cli.session import Session, session_of
from service.cli.test_dice import SIMULATION_SEED, seed_of

__all__ = ["FAST", "run_tests", "steps"]

STEPS = (Column("step"), Column("result"), Column("seconds", is_number=True), Column("note"))
FAST = "not servers and not slow and not long"
NO_TESTS_COLLECTED = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One program of the run. ``is_shown``: its output is for people while it works."""

    name: str
    command: tuple[str, ...]
    is_shown: bool = False


def run_tests(
    context: typer.Context,
    paths: Annotated[list[str] | None, typer.Argument(help="only these tests", metavar="PATH")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="seconds only: no servers are started")] = False,
    long: Annotated[bool, typer.Option("--long", help="those too that take minutes each")] = False,
    keyword: Annotated[
        str | None, typer.Option("-k", help="only tests whose names match, as pytest has it")
    ] = None,
    workers: Annotated[int, typer.Option(help="processes for tests on servers")] = 2,
) -> None:
    """Run every check and every test; one summary at the end, exit 1 if any failed."""
    from service.settings import PROJECT

    session = session_of(context)
    if not (PROJECT / "tests").is_dir():
        raise WrongUseError(
            f"found no tests in {PROJECT}, wanted a checkout of the project; run ./meridian test there"
        )
    only = [*(paths or ()), *(("-k", keyword) if keyword else ())]
    seed = seed_of(long=long)
    session.out.say(f"seed {seed} of all that is thrown by chance; {SIMULATION_SEED}={seed} throws it again")
    to_do = steps(only, fast=fast, long=long, workers=workers, seed=seed)
    rows = [_run(session, step, PROJECT, seed) for step in to_do]
    session.out.rows(STEPS, rows, ids="step")
    failed = [row["step"] for row in rows if row["result"] == "failed"]
    total = sum(row["seconds"] for row in rows)
    session.out.say(f"{'failed: ' + ', '.join(failed) if failed else 'all is well'}; {total:.0f} s")
    if failed:
        raise ToldError(f"{', '.join(failed)} failed; what they said stands above")


def steps(only: Sequence[str], *, fast: bool, long: bool, workers: int, seed: int) -> Iterator[Step]:
    """What is run, the cheap first; ``only`` chooses tests and leaves out the rest."""
    python = sys.executable
    if not only:
        yield Step("lint", (python, "-m", "ruff", "check", "."))
        yield Step("format", (python, "-m", "ruff", "format", "--check", "."))
        yield Step("types", (python, "-m", "mypy"))
        yield Step("import direction", (str(Path(python).with_name("lint-imports")),))
    pytest = (python, "-m", "pytest", "-q", f"--hypothesis-seed={seed}", *only)
    yield Step("fast tests", (*pytest, "-n", str(workers), "-m", FAST), is_shown=True)
    if fast:
        return
    rest = f"not ({FAST})" if long else f"not ({FAST}) and not long"
    yield Step(
        "tests on servers", (*pytest, "-m", rest, "-n", str(workers), "--dist", "loadgroup"), is_shown=True
    )


def _run(session: Session, step: Step, folder: Path, seed: int) -> dict[str, Any]:
    session.out.say(f"… {step.name}")
    began = time.monotonic()
    done = subprocess.run(
        step.command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), SIMULATION_SEED: str(seed)},
        # Piped data stay clean: what the programs say goes where remarks go.
        stdout=sys.stderr if step.is_shown else subprocess.PIPE,
        stderr=None if step.is_shown else subprocess.STDOUT,
        text=True,
        check=False,
    )
    is_empty = step.is_shown and done.returncode == NO_TESTS_COLLECTED
    result = "none" if is_empty else "ok" if done.returncode == 0 else "failed"
    if result == "failed" and not step.is_shown:
        sys.stderr.write(done.stdout)
    return {
        "step": step.name,
        "result": result,
        "seconds": round(time.monotonic() - began, 1),
        "note": f"exit {done.returncode}" if result == "failed" else None,
        "command": " ".join(step.command),
    }
