"""Checks of this machine: what the local stack and Meridian itself need of it."""

import os
import platform
import resource
import sys
from collections.abc import Callable, Mapping

import psutil

from service.settings import PREFIX, Settings
from service.settings_errors import misspelled
from service.stack import jars
from service.stack.account import choose_account
from service.stack.checkup import Check, Outcome, judged
from service.stack.failure import StackError
from service.stack.fleet import PORTS
from service.stack.java import find_java
from service.stack.lock import holder
from service.stack.place import Place
from service.stack.ports import is_free, kept_ports
from service.stack.postgres_binaries import find_binaries
from service.stack.postgres_home import note_of
from service.stack.postgres_server import major_of

__all__ = ["CHECKS", "jars_at_hand", "java", "local_ports", "postgresql"]

_ROOM_MB = 2_000  # a night of real files, three times over
_MEMORY_MB = 1_500  # Kafka 0.4 GB, PostgreSQL 0.3, S3 0.2, our roles 0.5
_OPEN_FILES = 4_096  # Kafka keeps three files open for each segment of each partition


def python(_: Settings) -> Check:
    """The Python we run on."""
    return judged(
        "python",
        fine=(3, 11) <= sys.version_info[:2] <= (3, 13),
        found=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        remedy="run with 3.11, 3.12 or 3.13: remove .venv and set MERIDIAN_PYTHON",
    )


def variables(_: Settings, environment: Mapping[str, str] = os.environ) -> Check:
    """Settings that somebody meant to make."""
    strange = misspelled(environment, Settings, prefix=PREFIX)
    return judged(
        "settings",
        fine=not strange,
        found="; ".join(strange) or "no misspelled variable",
        remedy="correct or unset it",
        otherwise=Outcome.ATTENTION,
    )


def room(settings: Settings) -> Check:
    """Space for data."""
    folder = next(path for path in (settings.data, *settings.data.parents) if path.exists())
    free_mb = psutil.disk_usage(str(folder)).free >> 20
    return judged(
        "disk",
        fine=free_mb >= _ROOM_MB,
        found=f"{free_mb} MB free for {settings.data}",
        remedy=f"free {_ROOM_MB} MB, or set MERIDIAN_DATA to a roomier place",
    )


def folder(settings: Settings) -> Check:
    """The data folder itself."""
    path = next(path for path in (settings.data, *settings.data.parents) if path.exists())
    return judged(
        "data folder",
        fine=os.access(path, os.W_OK | os.X_OK),
        found=f"{settings.data}, {'writable' if os.access(path, os.W_OK) else 'not writable'} for this user",
        remedy="set MERIDIAN_DATA to a folder of yours, or run as its owner",
    )


def memory(_: Settings) -> Check:
    """Memory for the servers."""
    free_mb = psutil.virtual_memory().available >> 20
    return judged(
        "memory",
        fine=free_mb >= _MEMORY_MB,
        found=f"{free_mb} MB available",
        remedy=f"the local stack and our roles take about {_MEMORY_MB} MB; stop something else",
        otherwise=Outcome.ATTENTION,
    )


def open_files(_: Settings) -> Check:
    """How many files a process may open."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    endless = most == resource.RLIM_INFINITY
    return judged(
        "open files",
        fine=endless or most >= _OPEN_FILES,
        found="no limit" if endless else f"at most {most}",
        remedy=f"raise the limit to {_OPEN_FILES} or more (ulimit -Hn, or limits.conf)",
        otherwise=Outcome.ATTENTION,
    )


def java(settings: Settings) -> Check:
    """The Java that Kafka and the S3 server would run on."""
    try:
        found = find_java(settings.java_home)
    except StackError as error:
        return Check("java", Outcome.WRONG, str(error), "install a JRE, or set MERIDIAN_JAVA_HOME")
    return Check("java", Outcome.FINE, f"{found.major} from {found.source}, {found.path}")


def jars_at_hand(settings: Settings) -> Check:
    """The servers' jars."""
    try:
        cache = jars.cache_folder(settings.cache, Place(settings.data).root / "jars")
    except StackError as error:
        return Check("jars", Outcome.WRONG, str(error), "set MERIDIAN_CACHE to a folder of yours")
    needed = [*jars.locked("kafka"), *jars.locked("s3proxy")]
    missing = jars.missing(needed, cache)
    return judged(
        "jars",
        fine=not missing,
        found=f"{len(needed) - len(missing)} of {len(needed)} in {cache}",
        remedy="./meridian up fetches them once, about 100 MB; that needs a network",
        otherwise=Outcome.ATTENTION,
    )


def postgresql(settings: Settings) -> Check:
    """PostgreSQL's programs, and a user for them that is not root."""
    place = Place(settings.data)
    home = note_of(place) or place.root / "postgres"
    try:
        account = choose_account(home / "data")
        found = find_binaries(settings.postgres_bin, major=major_of(home))
    except (StackError, OSError) as error:
        return Check("postgresql", Outcome.WRONG, str(error), "see there, or set MERIDIAN_DATABASE")
    who = account.name if account else "this user"
    return Check("postgresql", Outcome.FINE, f"{found.version} from {found.source}, run by {who}")


def local_ports(settings: Settings) -> Check:
    """The ports of earlier runs."""
    place = Place(settings.data)
    if holder(place.lock):
        return Check("ports", Outcome.FINE, "in use by the running stack")
    taken = [f"{name} {port}" for name, port in kept_ports(place.ports, PORTS).items() if not is_free(port)]
    return judged(
        "ports",
        fine=not taken,
        found=f"taken by another program: {', '.join(taken)}" if taken else "free",
        remedy="nothing to do: others are chosen at the next start; end that program to keep the old ones",
        otherwise=Outcome.ATTENTION,
    )


CHECKS: tuple[Callable[[Settings], Check], ...] = (python, variables, room, folder, memory, open_files)
