"""A newer build of this very code, as a release would be that has changed an event and how files are folded."""

import shutil
from pathlib import Path

from events.breakable import MARK
from service.settings import PROJECT

__all__ = ["newer_build"]

_PACKAGES = ("schemas", "events", "machines", "projectors", "consumers", "migrations", "service")

_CHANGES = (
    (
        "events/file.py",
        '    name: ClassVar[str] = "file.noted"\n',
        '    name: ClassVar[str] = "file.noted"\n    version: ClassVar[int] = 2\n',
    ),
    (
        "events/upcast.py",
        '    ("file.arrived", 1): _file_arrived_2,\n',
        '    ("file.arrived", 1): _file_arrived_2,\n    ("file.noted", 1): dict,\n',
    ),
    ("machines/file.py", "    fold_version = ", "    fold_version = 1000 + "),
)
"""What a change of the meaning of ``file.noted`` touches: the event's version, the step from the one before it, and
the version of the fold, so that snapshots of the one build are none to the other. Views note another version by
themselves."""


def newer_build(folder: Path) -> Path:
    """The packages of this build with the changes; ``folder``, to be the first in the path of a process."""
    for name in _PACKAGES:
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, found, wanted in _CHANGES:
        file = folder / name
        source = file.read_text("utf-8")
        if source.count(found) != 1:
            raise ValueError(f"{name}: found {found!r} {source.count(found)} times, wanted it once")
        file.write_text(source.replace(found, wanted), "utf-8")
    mark = folder / MARK.relative_to(PROJECT)
    mark.parent.mkdir()
    shutil.copy(MARK, mark)
    return folder
