"""A child process of the harness: whether it lives, and its number."""

import subprocess

__all__ = ["Child"]


class Child:
    """What servers and roles have in common; ``_process`` is the newest of its lives."""

    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self.is_alive and self._process is not None else None

    @property
    def is_alive(self) -> bool:
        """It runs, frozen or not."""
        return self._process is not None and self._process.poll() is None
