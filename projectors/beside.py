"""Where a batch is written: in a thread beside the follower's own, or at once, by whoever asks."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec

__all__ = ["Beside"]

P = ParamSpec("P")


class Beside:
    """One thread, which does one step after the other."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def begin(self, step: Callable[P, None], *given: P.args, **named: P.kwargs) -> Future[None]:
        """Have the step done while the caller goes on."""
        return self._thread.submit(step, *given, **named)

    @staticmethod
    def at_once(step: Callable[P, None], *given: P.args, **named: P.kwargs) -> Future[None]:
        """Do the step here, for a caller that would wait for it: to hand it over and back takes its time, too."""
        done: Future[None] = Future()
        try:
            step(*given, **named)
        except Exception as error:  # noqa: BLE001  # raised where the result is asked for, as from the thread
            done.set_exception(error)
        else:
            done.set_result(None)
        return done

    def close(self) -> None:
        """What is under way is finished first."""
        self._thread.shutdown(wait=True)
