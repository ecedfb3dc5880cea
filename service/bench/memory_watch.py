"""Memory of every process of a site while something is measured: the most that each has taken."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from service.settings import Settings
from service.site import children_of

__all__ = ["MemoryWatch", "watching"]

LOOK_S = 2.0
"""A look costs some tens of milliseconds of processor time, which is not to be what is measured."""
MB = 1_000_000


class MemoryWatch:
    """The most resident memory in MB, by role; processes below a role are looked at apart from it."""

    def __init__(self, settings: Settings) -> None:
        roles = [child for child in children_of(settings) if child["kind"] == "role" and child["pid"]]
        self._roles = {child["name"]: psutil.Process(child["pid"]) for child in roles}
        self.peak_mb: dict[str, int] = {}

    def look(self) -> None:
        """Once over all of them."""
        for name, process in self._roles.items():
            try:
                below = process.children(recursive=True)
            except psutil.NoSuchProcess:
                continue
            self._note(name, process)
            for each in below:
                self._note(f"below {name}", each)

    def died(self) -> tuple[str, ...]:
        """Roles whose process is no longer the one it was when the watch began."""
        return tuple(name for name, process in self._roles.items() if not process.is_running())

    def _note(self, name: str, process: psutil.Process) -> None:
        try:
            rss = process.memory_info().rss // MB
        except psutil.NoSuchProcess:
            return
        self.peak_mb[name] = max(rss, self.peak_mb.get(name, 0))


@contextmanager
def watching(settings: Settings) -> Iterator[MemoryWatch]:
    """Look every so often until the block ends."""
    watch, done = MemoryWatch(settings), threading.Event()

    def go_on() -> None:
        while not done.wait(LOOK_S):
            watch.look()

    thread = threading.Thread(target=go_on, name="memory", daemon=True)
    watch.look()
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()
