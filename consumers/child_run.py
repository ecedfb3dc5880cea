"""What a child does between its fork and its end: bind itself, look into one file, send the result, leave."""

import errno
import faulthandler
import fcntl
import io
import os
import signal
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from consumers.checks.judge import UnjudgedError
from consumers.child_checks import watched
from consumers.child_frames import frame
from consumers.child_guard import Guard, GuardedError, die_with_parent
from consumers.child_limits import Limits, apply_limits
from consumers.formats import Expected, Format
from consumers.formats.bytes_scan import FileChangedError, SeenBytes

__all__ = ["run_child"]

# Where the child finds what it was given, whatever numbers the server had for them.
FILE_FD, RESULT_FD = 3, 4


def run_child(
    kind: Format, request: dict[str, Any], *, file_fd: int, result_fd: int, log_fd: int
) -> NoReturn:
    """Never returns: the process ends here, without running anything the server registered for its own end."""
    status = 1
    try:
        _arrange(file_fd, result_fd, log_fd)
        limits = Limits.from_dict(request["limits"])
        guard = Guard()
        die_with_parent()
        apply_limits(limits)
        guard.put_on()
        _send(
            {**_looked_into(kind, request, limits, guard), "tried": guard.tried, "bytes_read": _bytes_read()}
        )
        status = 0
    except BaseException:  # noqa: BLE001 - the last frame of the process: whatever it was goes into its log
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _arrange(file_fd: int, result_fd: int, log_fd: int) -> None:
    """Standard output and error go to the log, the file and the result to known numbers, the rest is closed."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    first_free = RESULT_FD + 1
    null = os.open(os.devnull, os.O_RDONLY)
    wanted = {0: null, 1: log_fd, 2: log_fd, FILE_FD: file_fd, RESULT_FD: result_fd}
    # First out of the way of one another, then into place.
    held = {target: fcntl.fcntl(fd, fcntl.F_DUPFD, first_free) for target, fd in wanted.items()}
    for target, fd in held.items():
        os.dup2(fd, target)
    os.closerange(first_free, 65_536)
    log = io.FileIO(2, "w", closefd=False)
    sys.stdout = sys.stderr = io.TextIOWrapper(log, "utf-8", "backslashreplace", write_through=True)
    faulthandler.enable(file=2)
    faulthandler.register(signal.SIGXCPU, file=2, chain=True)


def _looked_into(kind: Format, request: dict[str, Any], limits: Limits, guard: Guard) -> dict[str, Any]:
    """The inspection, the limit that was met, or whose fault it is that there is neither."""
    expected = Expected.from_plain(request["expected"])
    try:
        with open(FILE_FD, "rb", closefd=False) as source:
            inspection = kind.inspect_open(
                source,
                expected,
                max_bytes=limits.file_bytes,
                on_bytes=_send_seen,
                watch=watched(limits, guard, _send),
            )
        return {"inspection": inspection.to_dict()}
    except MemoryError:
        return {"limit": "memory"}
    except UnjudgedError as error:
        return _failure("CHECK_RAISED", "code", str(error))
    except FileChangedError as error:
        return _failure("FILE_CHANGED", "transient", str(error))
    except GuardedError as error:
        guard.tried.append(str(error))
        return {}
    except OSError as error:
        if error.errno == errno.ENOMEM:
            return {"limit": "memory"}
        traceback.print_exc()
        return _failure("IO_ERROR", "infrastructure", f"reading failed: {error}")
    except Exception as error:  # noqa: BLE001 - a bug of ours must not look like the file's fault
        traceback.print_exc()
        return _failure("READER_BUG", "code", f"{type(error).__name__}: {error}")


def _failure(code: str, failure_class: str, message: str) -> dict[str, Any]:
    return {"failure": {"code": code, "failure_class": failure_class, "message": message[:4_000]}}


def _send_seen(seen: SeenBytes) -> None:
    """Size and checksum go ahead, so that they are known even if what follows kills the child."""
    _send({"seen": {name: value for name, value in asdict(seen).items() if name != "head"}})


def _send(message: dict[str, Any]) -> None:
    data = frame(message)
    while data:
        data = data[os.write(RESULT_FD, data) :]


def _bytes_read() -> int | None:
    """What this process has read, where the system counts it."""
    if sys.platform != "linux":
        return None
    text = Path("/proc/self/io").read_text(encoding="ascii")
    return int(text.split("rchar:")[1].split()[0])
