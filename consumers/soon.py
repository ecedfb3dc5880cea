"""Records that nobody waits for yet, several handed over at a time: each alone costs the log and its readers a turn."""

import threading
import time
from collections.abc import Callable

from consumers.sender import Outgoing
from events.log import LogError, Sent

__all__ = ["Soon"]


class _Posted:
    """A promise that a record is on the log; whoever asks for it has it handed over, if that has not been done."""

    __slots__ = ("_error", "_flush", "_outgoing", "_sent")

    def __init__(self, outgoing: Outgoing, flush: Callable[[], None]) -> None:
        self._outgoing = outgoing
        self._flush = flush
        self._sent: Sent | None = None
        self._error: LogError | None = None

    def hand_over(self, send: Callable[[Outgoing], Sent]) -> None:
        try:
            self._sent = send(self._outgoing)
        except LogError as error:
            self._error = error

    def result(self, timeout_s: float) -> tuple[int, int]:
        """Partition and offset, once acknowledged; raises LogError."""
        self._flush()
        if self._sent is None:
            raise self._error or LogError("handed over to a sender that said nothing of it")
        return self._sent.result(timeout_s)


class Soon:
    """For many threads. The first record goes at once; those that follow within ``apart_s`` go together after it.

    They are handed over in the order in which they were posted. What goes wrong with one is raised to whoever asks for
    its result.
    """

    def __init__(
        self,
        send: Callable[[Outgoing], Sent],
        *,
        apart_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._apart_s = apart_s
        self._clock = clock
        self._not_before_s = clock()
        self._waiting: list[_Posted] = []
        self._lock, self._in_order = threading.Lock(), threading.Lock()

    def post(self, outgoing: Outgoing) -> Sent:
        """Hand it over now or shortly, whether or not anybody asks."""
        posted = _Posted(outgoing, self.flush)
        with self._lock:
            self._waiting.append(posted)
            is_first = len(self._waiting) == 1
            pause_s = self._not_before_s - self._clock()
        if pause_s <= 0:
            self.flush()
        elif is_first:
            timer = threading.Timer(pause_s, self.flush)
            timer.daemon = True
            timer.start()
        return posted

    def flush(self) -> None:
        """All that was posted is handed over when this returns."""
        with self._in_order:
            with self._lock:
                waiting, self._waiting = self._waiting, []
                if waiting:
                    self._not_before_s = self._clock() + self._apart_s
            for each in waiting:
                each.hand_over(self._send)
