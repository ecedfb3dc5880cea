"""The process that makes one picture: bound by limits, without network or other files, and gone afterwards.

``python -m consumers.previews.child FD REQUEST`` reads the open file FD and writes to standard output: the length of a
JSON object in four bytes, that object, and the picture.
"""

import json
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from consumers.child_guard import Guard, die_with_parent, leave_network
from consumers.child_limits import Limits, apply_limits
from consumers.formats.inspection import InvalidFileError
from events.preview_policy import Previews

__all__ = ["main"]


def main() -> None:
    """Make the picture of the file, or say why there is none."""
    die_with_parent()
    leave_network()
    memory = _Memory()
    request = json.loads(sys.argv[2])
    told, picture = _made(int(sys.argv[1]), request)
    told["peak_rss_bytes"] = memory.peak_bytes()
    head = json.dumps(told).encode()
    sys.stdout.buffer.write(len(head).to_bytes(4) + head + picture)


class _Memory:
    """What this process had at most, as the system counts it since it was begun; opened before the guard is put on."""

    def __init__(self) -> None:
        path = Path("/proc/self/status")
        self._status = path.open("rb") if path.exists() else None

    def peak_bytes(self) -> int:
        if self._status is None:
            unit = 1 if sys.platform == "darwin" else 1024
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        lines = self._status.read().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"VmHWM:"))


def _made(file_fd: int, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from consumers.previews.picture import NothingToShowError, images_of, picture_of

    wanted = Previews.model_validate(request["wanted"])
    apply_limits(Limits.from_dict(request["limits"]))
    try:
        with open(file_fd, "rb") as source:
            images = images_of(source, os.fstat(file_fd).st_size)
            # The headers are read, by our own scanners; what libraries they call for is loaded.
            Guard().put_on()
            picture = picture_of(images, wanted)
    except MemoryError:
        return _no_picture("PREVIEW_TOO_LARGE", "it takes more memory than a preview may have"), b""
    except NothingToShowError as error:
        return _no_picture("NOTHING_TO_SHOW", str(error)), b""
    except InvalidFileError as error:
        return _no_picture("PREVIEW_UNREADABLE", error.message), b""
    except Exception as error:  # noqa: BLE001 - libraries raise anything on damaged files; nobody waits for a picture
        return _no_picture("PREVIEW_UNREADABLE", f"{type(error).__name__}: {error}"), b""
    told = asdict(picture)
    del told["png"]
    return told, picture.png


def _no_picture(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message[:1_900]}


if __name__ == "__main__":
    main()
