"""The line with which a person looks into the database as an analyst, without a password on the screen."""

import os
import shlex
from pathlib import Path

from sqlalchemy import make_url

from service.settings import Settings
from service.stack import local
from service.stack.failure import StackError
from service.stack.postgres_binaries import find_binaries

__all__ = ["ROLE", "psql_line"]

ROLE = "meridian_analyst"


def psql_line(settings: Settings) -> str:
    """A command for a shell. The password of the local stack's database goes to a file that only its owner reads."""
    url = make_url(local.endpoints(settings).database)
    told = [f"PGOPTIONS='-c role={ROLE}'"]
    if url.password and "postgres" in local.local_servers(settings):
        told.insert(0, f"PGPASSFILE={shlex.quote(str(_pass_file(settings.data, url.password)))}")
    options = {"-h": url.host, "-p": url.port, "-U": url.username, "-d": url.database}
    given = " ".join(
        f"{name} {shlex.quote(str(value))}" for name, value in options.items() if value is not None
    )
    return f"{' '.join(told)} {_psql(settings)} {given}"


def _pass_file(folder: Path, password: str) -> Path:
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    path = folder / "pgpass"
    path.touch(mode=0o600)
    path.write_text(f"*:*:*:*:{escaped}\n", "utf-8")
    return path


def _psql(settings: Settings) -> str:
    try:
        found = find_binaries(settings.postgres_bin).folder / "psql"
    except StackError:  # the server is elsewhere, and so may be its programs
        return "psql"
    return shlex.quote(str(found)) if os.access(found, os.X_OK) else "psql"
