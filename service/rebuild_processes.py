"""A rebuild's shares in processes of their own, one a group of partitions, so that all cores fold."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from projectors.positions import Key
from projectors.rebuild_targets import Target
from service.settings import PROJECT
from service.wiring import Wiring

__all__ = ["Share", "ShareFailedError", "shares"]

_LEAVES_WITHIN_S = 10.0


class ShareFailedError(Exception):
    """A share could not be filled; the message says what was found."""


@dataclass
class Share:
    """One process and what it has told so far."""

    process: subprocess.Popen[bytes]
    told: dict[str, Any] = field(default_factory=dict)
    _listener: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._listener = threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True)
        self._listener.start()

    @property
    def records(self) -> int:
        """How many records it has read."""
        return int(self.told.get("records", 0))

    def is_done(self) -> bool:
        """Whether it has ended; raises ShareFailedError if not as it should."""
        code = self.process.poll()
        if code is None:
            return False
        self._listener.join()
        if code or "rss_mb" not in self.told:
            raise ShareFailedError(
                self.told.get("failed") or f"a process of the rebuild ended with exit code {code}"
            )
        return True

    def end(self) -> None:
        """Tell it to stop, and see to it."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(_LEAVES_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _listen(self, lines: IO[bytes]) -> None:
        for line in lines:
            self.told |= json.loads(line)


def shares(
    wiring: Wiring, target: Target, ends: dict[Key, int], *, until: datetime | None, processes: int
) -> list[Share]:
    """Start the processes; every partition is in one share, whatever the machine."""
    partitions = sorted({partition for _, partition in ends})
    groups = [group for first in range(processes) if (group := partitions[first::processes])]
    return [_started(wiring, target, ends, until, group) for group in groups]


def _started(
    wiring: Wiring, target: Target, ends: dict[Key, int], until: datetime | None, partitions: Sequence[int]
) -> Share:
    order = {
        "kafka": wiring.endpoints.kafka,
        "database": wiring.endpoints.database,
        "site": wiring.settings.site,
        "schema": target.schema_name,
        "tables": list(target.tables),
        "ends": [[*key, end] for key, end in ends.items()],
        "partitions": list(partitions),
        "until": None if until is None else until.isoformat(),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "service.rebuild_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(),
        start_new_session=True,  # an interrupt at the terminal is for the one who asked, who then ends this one
    )
    assert process.stdin is not None  # noqa: S101 - it was asked for
    process.stdin.write(json.dumps(order).encode() + b"\n")
    process.stdin.flush()
    return Share(process)


def _environment() -> dict[str, str]:
    """Our own without anything of the object store."""
    path = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MERIDIAN_")}
    return {**kept, "PYTHONPATH": path}
