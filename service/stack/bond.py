"""A child that gets its stop signal from the kernel when its parent dies, so that none is left without a supervisor."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

__all__ = ["bonded"]

_PR_SET_PDEATHSIG = 1


def bonded(stop_signal: int) -> Callable[[], None] | None:
    """What a new process has to do before it becomes the child. Only Linux can; elsewhere orphans are found later.

    The bond is to the parent's thread that forks, so that thread must outlive the child: the main thread, or one that
    stops what it started before it ends.
    """
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def bind() -> None:
        library.prctl(_PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            os.kill(os.getpid(), signal.SIGKILL)

    return bind
