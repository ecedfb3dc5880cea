"""Steps of a client that waits for its broker without limit, in a thread beside whoever may not wait that long."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

__all__ = ["Aside", "LateError"]

Step = Callable[[], None]


class LateError(Exception):
    """The step has not come back within its time; it may yet."""


class _Asked:
    """A step, and what became of it."""

    __slots__ = ("error", "is_over", "step")

    def __init__(self, step: Step) -> None:
        self.step = step
        self.is_over = threading.Event()
        self.error: BaseException | None = None


class Aside:
    """One thread for all steps: to begin one for each takes the processor's time just while others want it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, step: Step, limit_s: float) -> None:
        """Wait for the step; raises what it raises, or LateError, after which nothing more is to be asked here."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        asked = _Asked(step)
        self._asked.put(asked)
        if not asked.is_over.wait(limit_s):
            raise LateError(f"has not come back after {limit_s:g} s")
        if asked.error is not None:
            raise asked.error

    def end(self) -> None:
        """The thread ends once it is through with what it has."""
        self._asked.put(None)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            try:
                asked.step()
            except BaseException as error:  # noqa: BLE001  handed to the waiting thread, which raises it
                asked.error = error
            asked.is_over.set()
            del asked  # what is waited for next may be long in coming, and this holds a batch
