"""Jobs shared out among processes: each takes the next one as soon as it is done with the last."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from events.log import LogUnavailableError
from service.audit.job import Job
from service.audit.partition import run
from service.decider.halts import StoreUnavailableError
from service.settings import PROJECT

__all__ = ["in_children"]

Jobs = queue.SimpleQueue[Job]
Results = queue.SimpleQueue[dict[str, Any]]


def in_children(jobs: Sequence[Job], processes: int) -> Iterator[dict[str, Any]]:
    """The result of each job, as they come; with no processes, done in this one. Raises what could not be reached."""
    if not processes:
        yield from map(run, jobs)
        return
    waiting: Jobs = queue.SimpleQueue()
    results: Results = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    children = [_child() for _ in range(min(processes, len(jobs)))]
    try:
        for child in children:
            threading.Thread(target=_feed, args=(child, waiting, results), daemon=True).start()
        for _ in jobs:
            yield _checked(results.get())
    finally:
        for child in children:
            child.kill()
            child.wait()


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
        raise (LogUnavailableError if told["away"] == "kafka" else StoreUnavailableError)(told["said"])
    return told
