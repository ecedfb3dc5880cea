"""Another user for PostgreSQL, which refuses to run as root, and what that user can reach."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from service.stack.failure import StackError
from service.stack.server import Account

__all__ = ["Demoted", "choose_account", "demoted", "public_folder", "reaches"]

_USUAL = ("postgres", "nobody", "daemon")
# /var/lib outlives a boot, which the temporary folder may not.
_PUBLIC = (Path("/var/lib/meridian"), Path(tempfile.gettempdir()) / "meridian")


class Demoted(TypedDict, total=False):
    """Arguments for a subprocess of another user."""

    cwd: str
    user: int
    group: int
    extra_groups: list[int]


def choose_account(data: Path) -> Account | None:
    """Who is to own and serve ``data``: ourselves (None) unless we are root; its owner if there is data already."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return _account(data.stat().st_uid)
    for name in _USUAL:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        account = Account(name, entry.pw_uid, entry.pw_gid)
        if _works(account):
            return account
    raise StackError(
        f"PostgreSQL refuses to run as root, and none of the users {', '.join(_USUAL)} can be used here; "
        "start Meridian as an ordinary user, or name a running database in MERIDIAN_DATABASE"
    )


def demoted(account: Account | None) -> Demoted:
    """Arguments for subprocess to run as ``account``, in a folder that it can surely enter."""
    if account is None:
        return {"cwd": "/"}
    return {"cwd": "/", "user": account.uid, "group": account.gid, "extra_groups": []}


def reaches(account: Account | None, path: Path) -> bool:
    """Whether that user can get to ``path``, tried rather than computed, since there is more than mode bits."""
    return _run(account, ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)])


def public_folder(account: Account | None) -> Path:
    """A folder of ours, outside of any private one, that ``account`` can pass through."""
    for base in _PUBLIC:
        try:
            base.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        if base.stat().st_uid == os.geteuid() and reaches(account, base):
            return base
    raise StackError(
        f"PostgreSQL runs as {account.name if account else 'this user'}, who can't get to Meridian's folder, "
        f"nor could {' or '.join(map(str, _PUBLIC))} be made; wanted a folder that others may pass through; "
        "move Meridian and MERIDIAN_DATA to one, such as /srv/meridian, or start it as an ordinary user"
    )


def _works(account: Account) -> bool:
    return _run(account, ["/bin/sh", "-c", "exit 0"])


def _run(account: Account | None, argv: Sequence[str]) -> bool:
    try:
        return subprocess.run(argv, check=False, capture_output=True, **demoted(account)).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise StackError(
            f"the database's folder belongs to user number {uid}, whom this machine does not know; "
            "wanted a user with a name; chown the folder to one, or start afresh with ./meridian down --erase"
        ) from None
    return Account(entry.pw_name, uid, entry.pw_gid)
