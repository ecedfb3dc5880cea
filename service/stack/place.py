"""The local stack's folder: what lies where, and how it is written so that a crash leaves no half file."""

import json
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.stack.failure import StackError

__all__ = ["Credentials", "Place", "write_whole"]

# Whoever finds one of these knows that the stack has lived here.
_MARKS = ("stack.lock", "credentials.json")
# What our other parts may leave here before the stack's first start, and what file systems have of their own.
_BEFORE = frozenset({
    "catalogues", "demo", "faust", "folders", "jars", "landing", "logs", "pgpass", "staging", "up.lock", "lost+found",
})  # fmt: skip
# The first file of all, as ``write_whole`` writes it: by somebody who starts at the same time, or who was killed then.
_BEGUN = re.compile(r"credentials\.json\.\d+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Made once for each data folder, readable by its owner only."""

    database_password: str
    s3_access_key: str
    s3_secret_key: str


@dataclass(frozen=True, slots=True)
class Place:
    """One data folder; everything the stack keeps is below it, or is named in it."""

    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def lock(self) -> Path:
        return self.root / "stack.lock"

    @property
    def turn(self) -> Path:
        return self.root / "up.lock"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def wanted(self) -> Path:
        return self.root / "wanted.json"

    @property
    def children(self) -> Path:
        return self.root / "children.json"

    @property
    def credentials_file(self) -> Path:
        return self.root / "credentials.json"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    def folder(self, name: str) -> Path:
        """A server's own folder, made if it is not there."""
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    def strangers(self) -> list[str]:
        """What lies here and is not the stack's: there before it ever was. Nothing of it is to be touched."""
        try:
            found = {path.name for path in self.root.iterdir()}
        except OSError:  # there is no such folder, or making it will say what is wrong with it
            return []
        if found.intersection(_MARKS):
            return []
        return sorted(name for name in found - _BEFORE if not _BEGUN.fullmatch(name))

    def check_own(self) -> None:
        """Raises StackError where the folder is somebody else's: its rights would be changed, and ``--erase`` all."""
        found = self.strangers()
        if found:
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            raise StackError(
                f"{self.root}: found {', '.join(found[:3])}{more} there, which is not the local stack's, wanted a "
                f"folder of its own; set MERIDIAN_DATA to a new one, such as {self.root / 'meridian'}; nothing was "
                "changed"
            )

    def make(self) -> None:
        """The folder itself. Others may pass through root's, since PostgreSQL can't run as root, but not list it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
            if self.root.stat().st_uid == os.geteuid():
                self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        except OSError as error:
            raise StackError(_unusable(self.root, error)) from error
        if not os.access(self.root, os.W_OK):
            raise StackError(_unusable(self.root, "it belongs to another user"))

    def credentials(self) -> Credentials:
        """The data folder's credentials, made at the first call."""
        path = self.credentials_file
        if not path.exists():
            made = Credentials(secrets.token_urlsafe(24), secrets.token_hex(8), secrets.token_urlsafe(24))
            fields = {name: getattr(made, name) for name in Credentials.__slots__}
            write_whole(path, fields)
        try:
            return Credentials(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise StackError(
                f"{path} can't be read: {error}; wanted the local stack's passwords; run as the user who started the "
                "stack, or put the file back, or let ./meridian doctor --repair make new ones"
            ) from error


def write_whole(path: Path, value: Any) -> None:
    """JSON for the owner's eyes only, there entirely or not at all; raises StackError where there is no room."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(value, indent=1, default=str))
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):  # what could not be written may not be removable either
            fresh.unlink(missing_ok=True)
        raise StackError(
            f"{path} can't be written: {error.strerror or error}; wanted room in {path.parent} and the right to "
            "write there; free some, or set MERIDIAN_DATA to another folder"
        ) from error


def _unusable(root: Path, why: object) -> str:
    return (
        f"{root} can't hold the local stack's data: {why}; wanted a folder that this user may write; "
        "set MERIDIAN_DATA to one"
    )
