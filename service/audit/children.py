"""Jobs shared out among processes: each takes the next one as soon as it is done with the last."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Self

from service.audit.job import Job
from service.audit.partition import run
from service.audit.reach import DatabaseAwayError, LogAwayError
from service.settings import PROJECT

__all__ = ["Children"]

Jobs = queue.SimpleQueue[Job]
Results = queue.SimpleQueue[dict[str, Any]]


class Children:
    """Use as a context. They are started when it is entered, and get ready while the first things are looked up."""

    def __init__(self, processes: int) -> None:
        """With no processes, everything is done in this one."""
        self._processes = processes
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._started = [_child() for _ in range(self._processes)]
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._started:
            child.kill()
            child.wait()

    def results(self, jobs: Sequence[Job]) -> Iterator[dict[str, Any]]:
        """The result of each job, as they come. Raises what could not be reached."""
        if not self._started:
            yield from map(run, jobs)
            return
        waiting: Jobs = queue.SimpleQueue()
        results: Results = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        for child in self._started:
            threading.Thread(target=_feed, args=(child, waiting, results), daemon=True).start()
        for _ in jobs:
            yield _checked(results.get())


def _child() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "service.audit.child"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "MALLOC_ARENA_MAX": "2"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _feed(child: subprocess.Popen[bytes], waiting: Jobs, results: Results) -> None:
    assert child.stdin is not None  # noqa: S101 - both are pipes
    assert child.stdout is not None  # noqa: S101
    while True:
        try:
            job = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            child.stdin.write(job.order())
            child.stdin.flush()
            results.put(json.loads(child.stdout.readline()))
        except (OSError, json.JSONDecodeError) as error:
            said = f"the process that read {job.ledger}/{job.partition} ended with {child.wait()}: {error}"
            results.put({"died": said})
            return


def _checked(told: dict[str, Any]) -> dict[str, Any]:
    if "died" in told:
        raise RuntimeError(told["died"])
    if "away" in told:
        raise (LogAwayError if told["away"] == "kafka" else DatabaseAwayError)(told["said"])
    return told
