"""Processor time of a site's processes while something is measured: which part of the way costs what."""

import os

import psutil

from service.settings import Settings
from service.site import children_of

__all__ = ["ProcessorWatch"]

BELOW = {
    "consumers.child_server": "readers of files",
    "consumers.intake_process": "intake",
    "worker": "worker",
}
"""What the processes below a role are called, by a word of their command lines; the first that fits."""


class ProcessorWatch:
    """Counts from when it is made: seconds, user and system, of all cores together."""

    def __init__(self, settings: Settings) -> None:
        self._roots = {
            child["name"]: psutil.Process(child["pid"]) for child in children_of(settings) if child["pid"]
        }
        self._before = self._now()

    def spent_s(self) -> dict[str, float]:
        """By process; what ended since counts with who waited for it. ``machine``: all that the cores did."""
        now = self._now()
        return {name: round(seconds - self._before.get(name, 0.0), 2) for name, seconds in now.items()}

    def _now(self) -> dict[str, float]:
        whole = psutil.cpu_times()
        spent = {"machine": sum(whole) - whole.idle - getattr(whole, "iowait", 0.0)}
        spent["bench"] = sum(os.times()[:2])
        for name, root in self._roots.items():
            for process in _with_below(root):
                called = name if process == root else _called(name, process)
                spent[called] = spent.get(called, 0.0) + _seconds(process)
        return spent


def _with_below(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _called(role: str, process: psutil.Process) -> str:
    try:
        words = process.cmdline()
    except psutil.NoSuchProcess:
        return role
    return next((name for word, name in BELOW.items() if word in words), role)


def _seconds(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:
        return 0.0
