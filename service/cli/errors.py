"""Every expected failure as one readable message and an exit code; a traceback only where it is asked for."""

import errno
import json
import sys
import traceback

import typer

from service.cli.trouble import Trouble
from service.cli.usage import of_usage

__all__ = [
    "ATTENTION",
    "FINE",
    "UNREACHABLE",
    "WRONG_USE",
    "AttentionError",
    "ToldError",
    "UnreachableError",
    "WrongUseError",
    "explained",
    "tell_error",
]

FINE, ATTENTION, WRONG_USE, UNREACHABLE = 0, 1, 2, 3
"""Exit codes: fine, something needs attention, wrong use, a service is not reachable."""

# PostgreSQL's words for answers of its own that SQLAlchemy has among those of a server that is away.
_TOOK_TOO_LONG, _NO_ROOM_THERE = "57014", ("53100", "53200")


class AttentionError(Exception):
    """Something needs attention; the message says what and what would help."""


class WrongUseError(Exception):
    """What was typed can't be done; the message says what was found, what was wanted and the way out."""


class UnreachableError(Exception):
    """A service does not answer; the message says which and how to get it going."""


class ToldError(Exception):
    """The answer that was printed shows it to people already; programs get it as an error too."""

    def __init__(self, message: str, *, code: str = "ATTENTION", exit_code: int = ATTENTION) -> None:
        super().__init__(message)
        self.code, self.exit_code = code, exit_code


def explained(error: Exception) -> Trouble:
    """What it is, for people and for programs."""
    known = _own(error) or of_usage(error) or _of_servers(error) or _of_files(error)
    if known is not None:
        return known
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({last[0].filename.rpartition('/')[2]}:{last[0].lineno})" if last else ""
    text = f"{type(error).__name__}: {error}{where}; this is a fault of meridian: run again with --debug to see where"
    return Trouble("FAULT", ATTENTION, text)


def tell_error(error: Exception, *, debug: bool, as_json: bool) -> int:
    """Say what went wrong, as a sentence or as one JSON object in a line; the exit code."""
    trouble = explained(error)
    if as_json:
        members = trouble.members()
        if debug:
            members["traceback"] = "".join(traceback.format_exception(error))
        print(json.dumps(members, ensure_ascii=False), file=sys.stderr, flush=True)
        return trouble.exit_code
    if debug:
        traceback.print_exception(error)
    if not isinstance(error, ToldError):
        print(f"meridian: {trouble.message}", file=sys.stderr)
    return trouble.exit_code


def _own(error: Exception) -> Trouble | None:
    from service.settings_errors import SettingsError
    from service.stack.failure import StackError

    text = str(error)
    match error:
        case ToldError():
            return Trouble(error.code, error.exit_code, text)
        case AttentionError():
            return Trouble("ATTENTION", ATTENTION, text)
        case WrongUseError():
            return Trouble("WRONG_USE", WRONG_USE, text)
        case SettingsError():
            return Trouble("WRONG_SETTING", WRONG_USE, text)
        case StackError():
            return Trouble("STACK", UNREACHABLE, text)
        case UnreachableError():
            return Trouble("UNREACHABLE", UNREACHABLE, text)
        case typer.Abort():
            return Trouble("ABORTED", ATTENTION, "interrupted, or answered with no")
    return _of_the_site(error)


def _of_the_site(error: Exception) -> Trouble | None:
    from events.failpoints import UnknownFailpointError

    if isinstance(error, UnknownFailpointError):
        return Trouble("WRONG_SETTING", WRONG_USE, str(error))
    # Whoever raised these has loaded their modules; nobody else has to.
    installation, client = sys.modules.get("service.installation"), sys.modules.get("service.client")
    if installation is not None and isinstance(error, installation.WrongSiteError):
        return Trouble("WRONG_SITE", WRONG_USE, str(error))
    if client is not None and isinstance(error, client.NotReadyError):
        return Trouble("UNREACHABLE", UNREACHABLE, str(error))
    return None


def _of_servers(error: Exception) -> Trouble | None:
    from events.log import LogError
    from service.decider.halts import Halt, StoreUnavailableError

    if isinstance(error, LogError):
        return Trouble("KAFKA_UNREACHABLE", UNREACHABLE, _with_way_out(f"kafka: {error}"))
    if isinstance(error, StoreUnavailableError):
        return Trouble("POSTGRESQL_UNREACHABLE", UNREACHABLE, _with_way_out(str(error)))
    if isinstance(error, Halt):
        return Trouble(error.code, ATTENTION, str(error))
    return _of_storage(error) or _of_database(error)


def _of_storage(error: Exception) -> Trouble | None:
    from consumers.storage_errors import StorageError, StorageUnavailable

    if not isinstance(error, StorageError):
        return None
    if isinstance(error, StorageUnavailable):
        return Trouble(error.code, UNREACHABLE, _with_way_out(f"s3: {error}"))
    return Trouble(
        error.code, ATTENTION, f"s3: {error}", help="see meridian doctor, and the settings of the store"
    )


def _of_database(error: Exception) -> Trouble | None:
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError

    if not isinstance(error, DBAPIError):
        return None
    said = " ".join(str(error.orig).split())
    code = getattr(error.orig, "pgcode", None)
    if code == _TOOK_TOO_LONG:
        text = f"postgresql gave the question up: {said}; narrow it by a filter, or ask when the site is less busy"
        return Trouble("POSTGRESQL_REFUSED", ATTENTION, text)
    if code in _NO_ROOM_THERE:
        text = f"postgresql has no room: {said}; free some on its disk, then see meridian doctor"
        return Trouble("POSTGRESQL_REFUSED", ATTENTION, text)
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        text = f"postgresql does not answer: {said}; see meridian doctor, or start it with meridian up"
        return Trouble("POSTGRESQL_UNREACHABLE", UNREACHABLE, text)
    if isinstance(error, ProgrammingError) and "does not exist" in said:
        text = f"the database is not of this version of meridian: {said}; meridian up brings its tables up to date"
        return Trouble("WRONG_VERSION", UNREACHABLE, text)
    return Trouble("POSTGRESQL_REFUSED", ATTENTION, f"postgresql refused: {said}")


def _with_way_out(text: str) -> str:
    return text if "meridian " in text else f"{text}; see meridian doctor, or start it with meridian up"


def _of_files(error: Exception) -> Trouble | None:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        where = error.filename or "what the command writes"
        text = f"{where}: {error.strerror}, wanted room to write it; free some, or name another place"
        return Trouble("DISK_FULL", ATTENTION, text)
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror or error}; check the name and who may read it"
        return Trouble("WRONG_FILE", WRONG_USE, text)
    if isinstance(error, UnicodeDecodeError):
        found = f"{error.reason} at byte {error.start}"
        text = f"found bytes that are no UTF-8 text ({found}); wanted a text file"
        return Trouble("WRONG_FILE", WRONG_USE, text)
    return None
