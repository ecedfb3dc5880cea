"""What a child does between its fork and its end: bind itself, look into a file, send the result, leave or stay."""

import errno
import faulthandler
import fcntl
import io
import os
import resource
import signal
import socket
import sys
import traceback
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from consumers.checks.judge import UnjudgedError
from consumers.child_checks import watched
from consumers.child_clock import OwnClock
from consumers.child_frames import Frames, frame
from consumers.child_guard import Guard, GuardedError, die_with_parent
from consumers.child_limits import Limits, apply_limits, has_room_left, renew_cpu_limit
from consumers.child_note import Note
from consumers.formats import Expected, Format
from consumers.formats.bytes_scan import FileChangedError, SeenBytes

__all__ = ["run_child"]

# Where the child finds what it was given, whatever numbers the server had for them.
FILE_FD, RESULT_FD, CONTROL_FD = 3, 4, 5
FILES_AT_MOST = 32
"""Of one child, which grows with each."""

MAX_REQUEST_BYTES = 256 * 1024
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def run_child(
    kind: Format,
    request: dict[str, Any],
    *,
    note: Note,
    file_fd: int,
    result_fd: int,
    log_fd: int,
    control_fd: int | None = None,
) -> NoReturn:
    """Never returns: the process ends here, without running anything the server registered for its own end.

    With ``control_fd`` it stays after a file that was in order, and is given the next one there. ``note`` has what it
    is at, for whoever finds out why it ended.
    """
    status = 1
    try:
        _arrange(file_fd, result_fd, log_fd, control_fd)
        limits = Limits.from_dict(request["limits"])
        guard = Guard()
        control = None if control_fd is None else socket.socket(fileno=CONTROL_FD)
        die_with_parent()
        room = apply_limits(limits, files=1 if control is None else FILES_AT_MOST)
        counts, clock = _Counts(), OwnClock()
        guard.put_on()
        for number in range(1, FILES_AT_MOST + 1):
            before = counts.now() if number > 1 else _Spent()
            found = {**_looked_into(kind, request, limits, guard, note, clock), "tried": guard.tried}
            spent = counts.now()
            may_stay = number < FILES_AT_MOST and _is_in_order(found) and has_room_left(room)
            stays = control is not None and may_stay
            _send(
                {
                    **found,
                    "bytes_read": spent.bytes_read_since(before),
                    "spent": spent.since(before),
                    "stays": stays,
                }
            )
            if control is None or not stays or (next_one := _next(control)) is None:
                break
            request = next_one
            note.clear()
            renew_cpu_limit(limits)
        status = 0
    except BaseException:  # noqa: BLE001 - the last frame of the process: whatever it was goes into its log
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


@dataclass(frozen=True, slots=True)
class _Spent:
    """What this process has taken by now."""

    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    bytes_read: int | None = 0

    def bytes_read_since(self, before: "_Spent") -> int | None:
        return None if self.bytes_read is None else self.bytes_read - (before.bytes_read or 0)

    def since(self, before: "_Spent") -> dict[str, float]:
        """Of memory the most of all files so far: the process is one."""
        return {"cpu_s": self.cpu_s - before.cpu_s, "peak_rss_bytes": self.peak_rss_bytes}


class _Counts:
    """What the system counts of this process. Its file of that is opened once, for no more is opened later."""

    def __init__(self) -> None:
        self._io_fd = os.open("/proc/self/io", os.O_RDONLY) if sys.platform == "linux" else None

    def now(self) -> _Spent:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return _Spent(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _RSS_UNIT, self._bytes_read())

    def _bytes_read(self) -> int | None:
        """What this process has read, where the system counts it."""
        if self._io_fd is None:
            return None
        return int(os.pread(self._io_fd, 1_000, 0).split(b"rchar:")[1].split()[0])


def _is_in_order(found: dict[str, Any]) -> bool:
    return not found["tried"] and found.get("inspection", {}).get("verdict") == "ok"


def _next(control: socket.socket) -> dict[str, Any] | None:
    """The next request, with its file in place of the last one; None: there is nothing left to read."""
    frames, request = Frames(max_bytes=MAX_REQUEST_BYTES), None
    while request is None:
        data, files, *_ = socket.recv_fds(control, MAX_REQUEST_BYTES, 1)
        if not data:
            return None
        for fd in files:
            os.dup2(fd, FILE_FD)
            os.close(fd)
        request = next(frames.feed(data), None)
    return request


def _arrange(file_fd: int, result_fd: int, log_fd: int, control_fd: int | None) -> None:
    """Standard output and error go to the log, the file and the result to known numbers, the rest is closed."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDONLY)
    wanted = {0: null, 1: log_fd, 2: log_fd, FILE_FD: file_fd, RESULT_FD: result_fd}
    if control_fd is not None:
        wanted[CONTROL_FD] = control_fd
    first_free = max(wanted) + 1
    # First out of the way of one another, then into place.
    held = {target: fcntl.fcntl(fd, fcntl.F_DUPFD, first_free) for target, fd in wanted.items()}
    for target, fd in held.items():
        os.dup2(fd, target)
    os.closerange(first_free, 65_536)
    log = io.FileIO(2, "w", closefd=False)
    sys.stdout = sys.stderr = io.TextIOWrapper(log, "utf-8", "backslashreplace", write_through=True)
    faulthandler.enable(file=2)
    faulthandler.register(signal.SIGXCPU, file=2, chain=True)


def _looked_into(
    kind: Format, request: dict[str, Any], limits: Limits, guard: Guard, note: Note, clock: OwnClock
) -> dict[str, Any]:
    """The inspection, the limit that was met, or whose fault it is that there is neither.

    Size and checksum go ahead, so that they are known even if what follows kills the child.
    """
    expected = Expected.from_plain(request["expected"])
    try:
        with open(FILE_FD, "rb", closefd=False) as source:
            inspection = kind.inspect_open(
                source,
                expected,
                max_bytes=limits.file_bytes,
                on_bytes=lambda seen: note.tell({"seen": _told_of(seen)}),
                watch=watched(limits, guard, note.tell, clock),
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


def _told_of(seen: SeenBytes) -> dict[str, Any]:
    return {name: value for name, value in asdict(seen).items() if name != "head"}


def _send(message: dict[str, Any]) -> None:
    data = frame(message)
    while data:
        data = data[os.write(RESULT_FD, data) :]
