"""A deterministic scheduler: processes are threads of which exactly one runs, and only as far as it is told to.

Every call of a port is a place where a process may be left standing, for a while or for ever. Which process goes on,
how far, and which one dies is decided by the caller alone, so the same orders give the same run.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, ParamSpec

from projectors.beside import Beside

__all__ = ["Alone", "AtOnce", "Killed", "Queue", "Scheduler", "Signal", "Task"]

P = ParamSpec("P")


class Killed(BaseException):
    """The process was killed where it stood. No ``except Exception`` sees it."""


@dataclass(eq=False)
class Task:
    """One thread of one process. ``error`` is what it ended with."""

    name: str
    target: Callable[[], Any]
    thread: threading.Thread | None = None
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    budget: int = 0
    is_killed: bool = False
    is_over: bool = False
    is_idle: bool = False
    error: BaseException | None = None


class Scheduler:
    """Lets one task at a time go on. ``trace`` is the course of the run: task and port call, one after the other."""

    def __init__(self) -> None:
        self.trace: list[tuple[str, str]] = []
        self._back = threading.Semaphore(0)
        self._running: Task | None = None

    def begin(self, name: str, target: Callable[[], Any]) -> Task:
        """A task that stands at its beginning."""
        return Task(name, target)

    def proceed(self, task: Task, calls: int) -> None:
        """Let it go through so many port calls, or until it waits for something, or to its end."""
        if task.is_over:
            return
        task.budget, task.is_idle = calls, False
        self._switch_to(task)

    def kill(self, task: Task) -> None:
        """It ends where it stands; nothing that it would have done after is done."""
        if task.is_over:
            return
        task.is_killed = True
        if task.thread is None:
            task.is_over = True
            return
        self._switch_to(task)

    def pause(self, label: str, *, idle: bool = False) -> None:
        """Called by ports before they do what they are asked. ``idle``: the task has nothing to do for now."""
        task = self._running
        if task is None or threading.current_thread() is not task.thread:
            return
        if task.is_killed:
            raise Killed
        self.trace.append((task.name, label))
        task.budget -= 1
        if task.budget > 0 and not idle:
            return
        task.is_idle = idle
        self._back.release()
        task.go.acquire()
        if task.is_killed:
            raise Killed

    def _switch_to(self, task: Task) -> None:
        before, self._running = self._running, task
        if task.thread is None:
            task.thread = threading.Thread(target=self._run, args=(task,), name=task.name, daemon=True)
            task.thread.start()
        else:
            task.go.release()
        self._back.acquire()
        self._running = before

    def _run(self, task: Task) -> None:
        try:
            task.target()
        except Killed:
            task.error = None  # it ends where it stood, as it was told
        except BaseException as error:  # noqa: BLE001  # whatever it is, the laws look at it
            task.error = error
        task.is_over = True
        self._back.release()


class Signal:
    """Stands for ``threading.Event``: whoever waits gives its turn away, and never sleeps."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        if not self._is_set:
            self._scheduler.pause("wait", idle=True)
        return self._is_set


class Queue:
    """Stands for ``queue.SimpleQueue``."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._items: list[Any] = []

    def put(self, item: Any) -> None:
        self._items.append(item)

    def get(self) -> Any:
        while not self._items:
            self._scheduler.pause("queue", idle=True)
        return self._items.pop(0)

    def empty(self) -> bool:
        return not self._items


class Alone:
    """Stands for ``consumers.together.Together``: nobody is waited for, so that no turn is held while others run."""

    def __init__(self, grant: Callable[[list[Any]], Any]) -> None:
        self._grant = grant

    def ask(self, wish: Any) -> Any:
        return self._grant([wish])[0]


class AtOnce(Beside):
    """A follower's writes in its own task: of the threads here only the one whose turn it is may run."""

    def begin(self, step: Callable[P, None], *given: P.args, **named: P.kwargs) -> Future[None]:
        return self.at_once(step, *given, **named)
