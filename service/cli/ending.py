"""Commands with servers of their own, ended by a signal or with their terminal: they stop what they started."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

__all__ = ["EndedError", "stopping_its_own"]

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class EndedError(KeyboardInterrupt):
    """Somebody ended the command; no failure of what it was at, so nobody takes it for one."""


@contextmanager
def stopping_its_own(say: Callable[[str], None]) -> Iterator[None]:
    """Inside, a signal is raised as an error, so that everything around it closes; then the process exits with 128 and
    the signal's number. Closing isn't interrupted by a second one. Signals that whoever started us ignores stay so.
    """
    told: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if not told:
            told.append(number)
            raise EndedError

    before = {each: signal.signal(each, end) for each in SIGNALS if signal.getsignal(each) != signal.SIG_IGN}
    try:
        yield
    except BaseException as error:
        if not told:
            raise
        # Said of a failure to stop, too. A terminal that is gone can't be told anything.
        how = "" if isinstance(error, EndedError) else f", but for: {error}"
        with suppress(OSError):
            say(f"ended by {signal.Signals(told[0]).name}; what was started has been stopped{how}")
        raise SystemExit(128 + told[0]) from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    if told:
        raise SystemExit(128 + told[0])
