"""One run of the command line against a site, as an operator or a script would do it, perhaps killed midway."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from events import failpoints
from service.faults.arena import Arena
from service.faults.cell import CellFailedError, Steps
from service.settings import PROJECT
from service.wiring import Wiring

__all__ = ["OneShot", "carry_out"]

_LONGEST_S = 120.0


class OneShot:
    """Runs beside everything else; ``is_over`` tells when it has ended."""

    def __init__(self, wiring: Wiring, arguments: Sequence[str], *, failpoint: str | None = None) -> None:
        environment = {**os.environ, **_site(wiring)}
        if failpoint is not None:
            environment[failpoints.VARIABLE] = failpoint
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
        )

    def is_over(self) -> bool:
        """It has ended, one way or another."""
        return self._process.poll() is not None

    @property
    def code(self) -> int | None:
        """Its exit code; below zero: the signal that ended it."""
        return self._process.poll()

    @property
    def was_killed(self) -> bool:
        """It ended by a signal."""
        return (self.code or 0) < 0

    @property
    def said(self) -> str:
        """All it has printed so far."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def end(self) -> None:
        """Kill it if it still runs."""
        if self.code is None:
            self._process.kill()
            self._process.wait()
        self._output.close()


def carry_out(arena: Arena, *arguments: str) -> Steps:
    """A command of an operator, which has to end well; raises CellFailedError with what it said."""
    command, named = OneShot(arena.wiring, arguments), f"meridian {' '.join(arguments)}"
    try:
        yield from arena.until(command.is_over, within_s=_LONGEST_S, what=f"{named} done")
        if command.code != 0:
            raise CellFailedError(f"{named} ended with {command.code}: {command.said[-600:]}")
    finally:
        command.end()


def _site(wiring: Wiring) -> dict[str, str]:
    settings = wiring.settings
    return {
        **wiring.endpoints.environment(),
        "MERIDIAN_SITE": settings.site,
        "MERIDIAN_DATA": str(settings.data),
        "MERIDIAN_S3_BUCKET": settings.s3_bucket,
        "MERIDIAN_PARTITIONS": ",".join(f"{name}={count}" for name, count in settings.partitions.items()),
        "PYTHONPATH": str(PROJECT),
        "PYTHONSAFEPATH": "1",
    }
