"""Taking staged inputs out of the work area: nothing goes that was not staged by us, and what was begun is ended."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from consumers.staging import JOURNAL, MANIFEST, PART

__all__ = ["GOING", "Left", "Removed", "clear_out", "is_staged", "lying_in", "remove_staged"]

GOING = ".going-"
"""How a folder is called that is being removed, before the mark of who does it."""


class Left(Exception):  # noqa: N818 - an outcome
    """It stays where it is; the message says why, and what would help."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many files were there, and how large they were together; None where nothing lay there any more."""

    files: int
    size_bytes: int


def remove_staged(folder: Path, *, about: Mapping[str, Any], mark: str) -> Removed | None:
    """Remove what was staged there. Raises Left, and OSError.

    In one step the folder is no longer there under its name, so nobody begins to read what is half gone; ``mark`` names
    it from then on, and whoever is asked again goes on with it.
    """
    going = folder.with_name(f"{GOING}{mark}")
    if folder.is_dir() and not going.exists():
        _check_ours(folder, about)
        folder.rename(going)
    if not going.is_dir():
        return None
    sizes = [path.lstat().st_size for path in lying_in(going)]
    clear_out(going)
    return Removed(len(sizes), sum(sizes))


def clear_out(going: Path) -> None:
    """Remove a folder that has lost its name, and those above that are empty then. Raises OSError."""
    shutil.rmtree(going)
    for parent in (going.parent, going.parent.parent):
        with suppress(OSError):  # others lie there
            parent.rmdir()


def _check_ours(folder: Path, about: Mapping[str, Any]) -> None:
    """Raises Left where anything else lies there: somebody's own work, or bytes that were changed."""
    sizes = _staged_sizes(folder, about)
    strange = sorted(
        str(path.relative_to(folder)) for path in lying_in(folder) if not is_staged(path, folder, sizes)
    )
    if strange:
        raise Left(
            f"{folder}: found {len(strange)} files that were not staged, or not so, such as {strange[0]}; "
            "move them elsewhere, then ask again"
        )


def _staged_sizes(folder: Path, about: Mapping[str, Any]) -> dict[str, int]:
    """What our manifest says lies there, with sizes. Raises Left where it is none of ours."""
    try:
        told = orjson.loads((folder / MANIFEST).read_bytes())
        found = {name: told[name] for name in about}
        sizes = {f"{each['dataset']}/{each['name']}": int(each["size_bytes"]) for each in told["files"]}
    except (FileNotFoundError, KeyError, TypeError, ValueError) as error:
        what = f"found no {MANIFEST} of ours ({type(error).__name__})"
        raise Left(f"{folder}: {what}; look what it is, and remove it by hand") from error
    if found != dict(about):
        raise Left(f"{folder}: found inputs of {found}, wanted those of {dict(about)}; they stay")
    return sizes


def is_staged(path: Path, folder: Path, sizes: Mapping[str, int]) -> bool:
    """Whether this came there by staging, and as it is: what that keeps for itself, or an input of this size."""
    if path.is_symlink() or not path.is_file():
        return False
    name = path.relative_to(folder).as_posix()
    return name in {JOURNAL, MANIFEST} or name.endswith(PART) or path.stat().st_size == sizes.get(name)


def lying_in(folder: Path) -> Iterator[Path]:
    """All that is no folder, links to folders too; nothing is followed."""
    for where, folders, names in os.walk(folder):
        for name in (*names, *(each for each in folders if Path(where, each).is_symlink())):
            yield Path(where, name)
