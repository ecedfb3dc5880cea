"""Every expected failure as one readable message and an exit code; a traceback only where it is asked for."""

import sys
import traceback
from typing import NoReturn

__all__ = [
    "ATTENTION",
    "FINE",
    "UNREACHABLE",
    "WRONG_USE",
    "AttentionError",
    "UnreachableError",
    "WrongUseError",
    "explained",
    "leave",
]

FINE, ATTENTION, WRONG_USE, UNREACHABLE = 0, 1, 2, 3
"""Exit codes: fine, something needs attention, wrong use, a service is not reachable."""


class AttentionError(Exception):
    """Something needs attention; the message says what and what would help."""


class WrongUseError(Exception):
    """What was typed can't be done; the message says what was found, what was wanted and the way out."""


class UnreachableError(Exception):
    """A service does not answer; the message says which and how to get it going."""


def explained(error: Exception) -> tuple[str, int]:
    """The message for people and the exit code."""
    known = _own(error) or _of_servers(error) or _of_files(error)
    if known is not None:
        return known
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({last[0].filename.rpartition('/')[2]}:{last[0].lineno})" if last else ""
    text = f"{type(error).__name__}: {error}{where}; this is a fault of meridian: run again with --debug to see where"
    return text, ATTENTION


def leave(error: Exception, *, debug: bool) -> NoReturn:
    """Print what went wrong and exit."""
    if debug:
        traceback.print_exception(error)
    text, code = explained(error)
    print(f"meridian: {text}", file=sys.stderr)
    raise SystemExit(code)


def _own(error: Exception) -> tuple[str, int] | None:
    from events.failpoints import UnknownFailpointError
    from service.settings_errors import SettingsError
    from service.stack.failure import StackError

    if isinstance(error, AttentionError):
        return str(error), ATTENTION
    if isinstance(error, WrongUseError | SettingsError | UnknownFailpointError) or _is_wrong_site(error):
        return str(error), WRONG_USE
    client = sys.modules.get("service.client")  # whoever raised its error has loaded it
    if client is not None and isinstance(error, client.NotReadyError):
        return str(error), UNREACHABLE
    if isinstance(error, UnreachableError | StackError):
        return str(error), UNREACHABLE
    return None


def _is_wrong_site(error: Exception) -> bool:
    installation = sys.modules.get("service.installation")
    return installation is not None and isinstance(error, installation.WrongSiteError)


def _of_servers(error: Exception) -> tuple[str, int] | None:
    from events.log import LogError
    from service.decider.halts import Halt, StoreUnavailableError

    if isinstance(error, LogError):
        return _with_way_out(f"kafka: {error}"), UNREACHABLE
    if isinstance(error, StoreUnavailableError):
        return _with_way_out(str(error)), UNREACHABLE
    if isinstance(error, Halt):
        return str(error), ATTENTION
    return _of_storage(error) or _of_database(error)


def _of_storage(error: Exception) -> tuple[str, int] | None:
    from consumers.storage_errors import StorageError, StorageUnavailable

    if isinstance(error, StorageUnavailable):
        return _with_way_out(f"s3: {error}"), UNREACHABLE
    return (f"s3: {error}", ATTENTION) if isinstance(error, StorageError) else None


def _of_database(error: Exception) -> tuple[str, int] | None:
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError

    if not isinstance(error, DBAPIError):
        return None
    said = " ".join(str(error.orig).split())
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return (
            f"postgresql does not answer: {said}; see meridian doctor, or start it with meridian up",
            UNREACHABLE,
        )
    if isinstance(error, ProgrammingError) and "does not exist" in said:
        text = f"the database is not of this version of meridian: {said}; meridian up brings its tables up to date"
        return text, UNREACHABLE
    return f"postgresql refused: {said}", ATTENTION


def _with_way_out(text: str) -> str:
    return text if "meridian " in text else f"{text}; see meridian doctor, or start it with meridian up"


def _of_files(error: Exception) -> tuple[str, int] | None:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or error}; check the name and who may read it", WRONG_USE
    if isinstance(error, UnicodeDecodeError):
        found = f"{error.reason} at byte {error.start}"
        return f"found bytes that are no UTF-8 text ({found}); wanted a text file", WRONG_USE
    return None
