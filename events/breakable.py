"""Whether this build may be broken on purpose: a checkout with its tests may, an image or a package may not."""

import logging
from collections.abc import Mapping
from pathlib import Path

__all__ = ["MARK", "may_break", "order"]

log = logging.getLogger(__name__)

MARK = Path(__file__).resolve().parent.parent / "tests" / "BREAKABLE"
"""Stands beside the code in a checkout. Packages and images are made without ``tests``, and so without it."""


def may_break() -> bool:
    """Whether the mark is there."""
    return MARK.is_file()


def order(environment: Mapping[str, str], variable: str) -> str | None:
    """What the variable asks for, if anything does and this build may do it; else it is said, and nothing happens."""
    asked = environment.get(variable)
    if not asked:
        return None
    if may_break():
        return asked
    log.error("ignored, this build is not one for tests", extra={"variable": variable, "wanted": str(MARK)})
    return None
