"""The seed of everything that is thrown by chance in a test run: a commit's own, so that a run can be had again."""

import os
import secrets
import subprocess
from pathlib import Path

__all__ = ["SIMULATION_SEED", "seed_of"]

SIMULATION_SEED = "MERIDIAN_SIMULATION_SEED"
BITS = 32


def seed_of(folder: Path, *, long: bool) -> int:
    """The environment's, else that of the commit that ``folder`` has checked out; a long run throws a new one.

    So the same commit is tried with the same examples wherever it is tested, and each new one with new examples.
    """
    given = os.environ.get(SIMULATION_SEED)
    if given:
        return int(given)
    return secrets.randbits(BITS) if long else int(_commit(folder)[: BITS // 4], 16)


def _commit(folder: Path) -> str:
    git = ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        found = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        found = ""
    return found or "0"
