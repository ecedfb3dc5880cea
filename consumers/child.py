"""Looks into untrusted files, in limited children of a warm server, so that a file can only kill its own child."""

import logging
import os
import signal
import stat
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self

from consumers.checks.judging import Judging
from consumers.child_checks import blamed, during
from consumers.child_limits import Limits
from consumers.child_link import ServerGoneError, ServerLink
from consumers.formats import FORMATS, Expected, Format
from consumers.formats.inspection import Inspection
from consumers.formats.text import clean

__all__ = ["ChildFailure", "ChildResult", "Inspector", "Limits", "Usage"]

log = logging.getLogger(__name__)

MAX_TRIES = 3
HELD_UP_AT_MOST = 3  # so often a file is looked into whose readers were held up by others, in one attempt
MAX_LEFT_OUT = 3  # checks that may each cost a file a child, before it is the file that is blamed
# Loading the libraries takes 3 to 15 s, on a machine that is busy a multiple of it.
PATIENCE_S = 180.0
MAX_LOG_BYTES = 65_536
TOGETHER_BYTES = (
    32 * 1024 * 1024
)  # what takes longer to read gains nothing from a child that is there already
HELD_UP = "READER_HELD_UP"
OTHERS_DOING = frozenset({"CHILD_KILLED", HELD_UP})
CRASHES = frozenset(
    {
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGABRT,
        signal.SIGILL,
        signal.SIGFPE,
        signal.SIGSYS,
        signal.SIGTRAP,
    }
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What looking into the file cost, and the end of what the child wrote. ``exit`` is a code or a signal's name."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    bytes_read: int = 0
    exit: str | None = None
    log_tail: str | None = None


@dataclass(frozen=True, slots=True)
class ChildFailure:
    """Why there is no inspection, though nothing is known to be wrong with the file."""

    code: str
    failure_class: Literal["transient", "code", "infrastructure"]
    message: str


@dataclass(frozen=True, slots=True)
class ChildResult:
    """Exactly one of ``inspection`` and ``failure`` is there."""

    inspection: Inspection | None
    failure: ChildFailure | None
    usage: Usage


class Inspector:
    """Takes files from any number of threads at once; each is read in a child, small ones by turns in the same.

    ``start`` returns at once and the libraries load meanwhile; the first file of a format waits for them.
    A server that ends is started again, and what it was asked is asked again.
    """

    def __init__(self, formats: Sequence[str | Format], limits: Limits | None = None) -> None:
        unknown = sorted(name for name in formats if isinstance(name, str) and name not in FORMATS)
        if unknown:
            raise ValueError(f"formats {', '.join(unknown)}, wanted some of {', '.join(FORMATS)}")
        given = (FORMATS[each] if isinstance(each, str) else each for each in formats)
        self.formats = {each.name: each for each in given}
        self.limits = limits or Limits()
        self._link: ServerLink | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server in the background."""
        self._running()

    @property
    def server_pid(self) -> int:
        """The process number of the server, for whoever watches the machine."""
        return self._running().pid

    def wait_ready(self, timeout_s: float | None = PATIENCE_S) -> dict[str, dict[str, Any]]:
        """Wait for the libraries. Per format: seconds to load, memory since, and how the network was left."""
        link = self._running()
        link.wait_ready(timeout_s)
        return dict(link.ready)

    def inspect(
        self,
        path: Path | str,
        format: str,  # noqa: A002 - the word everybody uses for it
        expected: Expected,
        *,
        limits: Limits | None = None,
        together: str | None = None,
        is_behind: bool = False,
    ) -> ChildResult:
        """Look into one file. Never raises for what is wrong with file or child: that is the result.

        ``together``: small files with the same word, such as those of one stream, may be read by one child one after
        the other, as long as they are in order. ``is_behind``: others go before it (``Limits.behind``).
        ``limits`` are for a file of moderate size (``Limits.for_size``).
        """
        if format not in self.formats:
            raise ValueError(
                f"format {format!r}, wanted one of {', '.join(self.formats)} as given to this inspector"
            )
        try:
            source = _opened(Path(path))
        except FileNotFoundError:
            return _failed(
                "FILE_NOT_FOUND", "transient", f"{path}: no such file; moved away, or not there yet"
            )
        except OSError as error:
            return _failed("IO_ERROR", "infrastructure", f"{path}: {error.strerror or error}")
        with source:
            size_bytes = os.fstat(source.fileno()).st_size
            bounds = (limits or self.limits).for_size(size_bytes)
            together = together if size_bytes <= TOGETHER_BYTES else None
            asked = _Asked(source, format, bounds.behind() if is_behind else bounds, together)
            return self._without_bad_checks(asked, expected)

    def close(self) -> None:
        """End the server and every child at work; files still waited for end as failures."""
        with self._lock:
            self._is_closed = True
            link, self._link = self._link, None
        if link is not None:
            link.close()

    def _without_bad_checks(self, asked: "_Asked", expected: Expected) -> ChildResult:
        """Look; where a check that does not decide ended the child, look again without it: that is its fault."""
        while True:
            result, bad_check = self._given_time(asked, expected)
            judging = expected.judging or Judging()
            if bad_check is None or len(judging.left_out) == MAX_LEFT_OUT:
                return result
            log.warning("a check ended its child", extra={"check": bad_check, "format": asked.format})
            expected = replace(expected, judging=judging.without(bad_check))

    def _given_time(self, asked: "_Asked", expected: Expected) -> tuple[ChildResult, str | None]:
        """Look; where others held the reader up, again with fewer of them before it, alone in its child."""
        for _ in range(HELD_UP_AT_MOST - 1):
            found = self._ask(asked, expected)
            if not _is_held_up(found[0]):
                return found
            log.info("a reader was held up, its file looked into again", extra={"format": asked.format})
            asked = replace(asked, limits=asked.limits.ahead(), together=None)
        return self._ask(asked, expected)

    def _ask(self, asked: "_Asked", expected: Expected) -> tuple[ChildResult, str | None]:
        """The result, and the check without which there may be a better one."""
        limits, source = asked.limits, asked.source
        request = {
            "format": asked.format,
            "expected": asdict(expected),
            "limits": limits.to_dict(),
            "together": asked.together,
        }
        # One that goes wrong among others is looked at once more, alone.
        timeout_s = (1 if asked.together is None else 2) * limits.wall_s + PATIENCE_S
        words = ""
        for _ in range(MAX_TRIES):
            try:
                reply = self._running().ask(request, source.fileno(), timeout_s=timeout_s)
                return _result(reply, limits, os.fstat(source.fileno()).st_size)
            except ServerGoneError as error:
                words = str(error)
                if self._is_closed:
                    break
                extra = {"format": asked.format, "words": words}
                log.warning("the server of child processes ended, started again", extra=extra)
        message = f"the server of the child processes ended {MAX_TRIES} times, the last time with: {words}"
        return _failed("READER_GONE", "infrastructure", message), None

    def _running(self) -> ServerLink:
        with self._lock:
            if self._is_closed:
                raise ServerGoneError("the inspector is closed")
            if self._link is not None and self._link.is_gone:
                self._link.close()
                self._link = None
            if self._link is None:
                self._link = ServerLink(tuple(self.formats.values()))
            return self._link


@dataclass(frozen=True, slots=True)
class _Asked:
    """An open file, how it is to be read, and with which others it may share a child."""

    source: BinaryIO
    format: str
    limits: Limits
    together: str | None


def _opened(path: Path) -> BinaryIO:
    """The file, open for reading; pipes and devices, which might never end, are refused."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path}: not a regular file")
    return open(fd, "rb")  # noqa: PTH123 - a descriptor, not a path; the caller closes it


def _result(reply: dict[str, Any], limits: Limits, size_bytes: int) -> tuple[ChildResult, str | None]:
    """What came of a child, and the check that ended it where that was no critical one."""
    told: dict[str, Any] = {}
    for message in reply["messages"]:
        told.update(message)
    code = reply["exit"]
    usage = Usage(
        wall_s=round(reply["wall_s"], 6),
        cpu_s=round(reply["cpu_s"], 6),
        peak_rss_bytes=reply["peak_rss_bytes"],
        bytes_read=told.get("bytes_read") or told.get("seen", {}).get("size_bytes") or 0,
        exit=str(code) if code >= 0 else signal.Signals(-code).name,
        # In bytes: of letters of four bytes each, so many characters would not fit into a request.
        log_tail=clean(reply["log"]).encode()[-MAX_LOG_BYTES:].decode("utf-8", "ignore") or None,
    )
    seen = {"size_bytes": size_bytes, **told.get("seen", {})}
    if told.get("tried"):
        return ChildResult(_invalid("UNSAFE_CONTENT", _tried(told["tried"]), seen), None, usage), None
    if "inspection" in told and code == 0:
        return ChildResult(Inspection.from_dict(told["inspection"]), None, usage), None
    if "failure" in told:
        return ChildResult(None, ChildFailure(**told["failure"]), usage), None
    early = _ended_early(reply, told, limits, usage, seen)
    was_others_doing = early.failure is not None and early.failure.code in OTHERS_DOING
    return early, None if was_others_doing else blamed(told)


def _is_held_up(result: ChildResult) -> bool:
    return result.failure is not None and result.failure.code == HELD_UP


def _ended_early(
    reply: dict[str, Any], told: dict[str, Any], limits: Limits, usage: Usage, seen: dict[str, Any]
) -> ChildResult:
    """A child that met a limit or crashed: the file's doing, unless somebody else ended it."""
    code, doing = reply["exit"], during(told)
    if told.get("limit") == "memory":
        found, wanted = "more memory", f"{limits.memory_bytes} bytes of memory"
    elif reply["killed_for"] == "wall" and reply["is_held_up"]:
        text = (
            f"{doing} was not finished after {limits.wall_s:g} s with {usage.cpu_s:.1f} s of CPU time: others had the "
            f"machine, or its disk; wanted is less at once on it, or more time for readers ({HELD_UP_AT_MOST} tried)"
        )
        return ChildResult(None, ChildFailure(HELD_UP, "infrastructure", text), usage)
    elif reply["killed_for"] == "wall":
        found, wanted = "more time", f"{limits.wall_s:g} s"
    elif code == -signal.SIGXCPU or (code == -signal.SIGKILL and usage.cpu_s >= limits.cpu_s):
        found, wanted = "more CPU time", f"{limits.cpu_s} s of CPU time"
    elif code < 0 and -code in CRASHES:
        message = f"{doing} crashed the reader ({usage.exit}); the file is damaged or made to do harm"
        return ChildResult(_invalid("UNSAFE_CONTENT", message, seen, found=usage.exit), None, usage)
    elif code == -signal.SIGKILL and reply["killed_for"] is None:
        text = "the child was killed from outside, for want of memory on the machine or by hand"
        return ChildResult(None, ChildFailure("CHILD_KILLED", "infrastructure", text), usage)
    else:
        text = f"the child ended with {usage.exit} and without a result; its log has the traceback"
        return ChildResult(None, ChildFailure("READER_BUG", "code", text), usage)
    message = (
        f"{doing} takes {found} than the limit of {wanted}; raise that and reprocess, if the file is right"
    )
    return ChildResult(_invalid("LIMIT_EXCEEDED", message, seen, found=found, wanted=wanted), None, usage)


def _tried(tried: Sequence[str]) -> str:
    return f"while it was read, its reader tried {clean(tried[0])}; a file of data has no need of that"


def _invalid(
    code: str, message: str, seen: dict[str, Any], *, found: str | None = None, wanted: str | None = None
) -> Inspection:
    return Inspection("invalid", code=code, message=message, found=found, wanted=wanted, **seen)


def _failed(code: str, failure_class: Literal["transient", "infrastructure"], message: str) -> ChildResult:
    return ChildResult(None, ChildFailure(code, failure_class, clean(message)), Usage())
