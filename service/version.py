"""The version of this software, as installed or as it stands in the project."""

import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from service.settings import PROJECT

__all__ = ["software_version"]


@cache
def software_version() -> str:
    """Such as ``meridian 0.1.0``."""
    try:
        found = version("meridian")
    except PackageNotFoundError:  # run from a checkout
        found = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    return f"meridian {found}"
