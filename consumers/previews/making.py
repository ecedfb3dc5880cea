"""Asks a limited child for a picture; whatever the file does, the worker gets a picture or a reason."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from consumers.child_limits import Limits
from events.preview_policy import Previews

__all__ = ["Made", "Room", "make_preview"]

MIB = 1024**2
_ANSWER_AT_MOST = 32 * MIB
"""The largest picture, 4096 pixels square, has 16 MiB if nothing in it can be packed."""

_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Room:
    """What one picture may take. ``memory_bytes`` comes on top of the libraries."""

    memory_bytes: int = 384 * MIB
    cpu_s: int = 60
    wall_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Made:
    """``picture`` and what it shows, or ``code`` and ``message``; and what it took."""

    picture: bytes = b""
    shows: dict[str, Any] = field(default_factory=dict)
    code: str | None = None
    message: str | None = None
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    exit: str = ""


def make_preview(path: Path, wanted: Previews, room: Room | None = None) -> Made:
    """The picture of a file. Raises OSError where the file can't be opened, and nothing for what is in it."""
    room = room or Room()
    limits = Limits(memory_bytes=room.memory_bytes, cpu_s=room.cpu_s, wall_s=room.wall_s, nice=19)
    request = json.dumps({"wanted": wanted.model_dump(mode="json"), "limits": limits.to_dict()})
    began_s = time.monotonic()
    with path.open("rb") as source, tempfile.TemporaryDirectory(prefix="meridian-preview-") as home:
        answer, status, usage = _answer(source.fileno(), request, home, room.wall_s)
    took: dict[str, Any] = {
        "wall_s": round(time.monotonic() - began_s, 6),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 6),
        "exit": str(status) if status >= 0 else signal.Signals(-status).name,
    }
    told, picture = _parted(answer)
    if told is None or status != 0:
        return Made(code="PREVIEW_ENDED", message=_ended(room, took), **took)
    # As the child itself knows it: what the system tells us of it begins with what we had when we made it.
    took["peak_rss_bytes"] = told.pop("peak_rss_bytes")
    if "code" in told:
        return Made(code=told["code"], message=told["message"], **took)
    return Made(picture=picture, shows=told, **took)


def _answer(file_fd: int, request: str, home: str, wall_s: float) -> tuple[bytes, int, Any]:
    """What the child wrote, how it ended, and what it used."""
    arguments = [sys.executable, "-P", "-m", "consumers.previews.child", str(file_fd), request]
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[file_fd],
        env=_environment(home),
        start_new_session=True,
    )
    timer = threading.Timer(wall_s, process.kill)
    timer.start()
    try:
        with cast("BinaryIO", process.stdout) as written:
            answer = written.read(_ANSWER_AT_MOST + 1)
        if len(answer) > _ANSWER_AT_MOST:
            process.kill()
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return answer, process.returncode, usage


def _parted(answer: bytes) -> tuple[dict[str, Any] | None, bytes]:
    length = int.from_bytes(answer[:4])
    try:
        told = json.loads(answer[4 : 4 + length])
    except ValueError:
        return None, b""
    return (told, answer[4 + length :]) if isinstance(told, dict) else (None, b"")


def _ended(room: Room, took: dict[str, Any]) -> str:
    return (
        f"the process that makes the picture ended with {took['exit']} after {took['wall_s']:.1f} s "
        f"({took['cpu_s']:.1f} s of CPU), wanted it done within "
        f"{room.wall_s:g} s, {room.cpu_s} s of CPU and {room.memory_bytes // MIB} MiB beside its libraries"
    )


def _environment(home: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    code = str(Path(__file__).resolve().parent.parent.parent)
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**kept, **threads, "HOME": home, "PYTHONPATH": code, "PYTHONDONTWRITEBYTECODE": "1"}
