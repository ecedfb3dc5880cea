"""What many threads want done, done for all of them at once: whoever comes meanwhile goes with the next round.

A round of one costs what it always did; the more there are, the less each costs, and nobody waits for company.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["Together"]

Wish = TypeVar("Wish")
Granted = TypeVar("Granted")


class _Waiting(Generic[Wish, Granted]):
    """One thread's wish, and what came of it."""

    __slots__ = ("error", "granted", "is_over", "wish")

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.granted: list[Granted] = []
        self.error: BaseException | None = None
        self.is_over = False

    def end(self) -> Granted:
        if self.error is not None:
            raise self.error
        return self.granted[0]


class Together(Generic[Wish, Granted]):
    """``grant`` takes the wishes of a round and gives an answer to each; one of the threads does it for all.

    What it raises is raised to everybody in the round where it ``concerns_all``, such as a server that is away; of
    anything else it is found out whose fault it is: each wish is tried alone.

    After a round of several the next begins ``apart_s`` later, for more are on their way; one alone never waits.
    ``pause`` may end sooner.
    """

    def __init__(
        self,
        grant: Callable[[Sequence[Wish]], Sequence[Granted]],
        *,
        concerns_all: tuple[type[BaseException], ...] = (),
        apart_s: float = 0.0,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._grant = grant
        self._concerns_all = concerns_all
        self._apart_s = apart_s
        self._pause = pause
        self._waiting: list[_Waiting[Wish, Granted]] = []
        self._is_served = False
        self._changed = threading.Condition()
        self._not_before_s = 0.0

    def ask(self, wish: Wish) -> Granted:
        """The answer to this wish; raises what granting it raised."""
        mine: _Waiting[Wish, Granted] = _Waiting(wish)
        with self._changed:
            self._waiting.append(mine)
            while self._is_served and not mine.is_over:
                self._changed.wait()
            if mine.is_over:
                return mine.end()
            self._is_served = True
        try:
            self._round()
        finally:
            with self._changed:
                self._is_served = False
                self._changed.notify_all()
        return mine.end()

    def _round(self) -> None:
        """For everybody who has come by the end of the pause; one thread at a time gets here, and is among them."""
        pause_s = self._not_before_s - time.monotonic()
        if pause_s > 0:
            self._pause(pause_s)
        with self._changed:
            together, self._waiting = self._waiting, []
        self._not_before_s = time.monotonic() + (self._apart_s if len(together) > 1 else 0.0)
        try:
            self._serve(together)
        finally:
            for each in together:
                each.is_over = True

    def _serve(self, together: Sequence[_Waiting[Wish, Granted]]) -> None:
        try:
            answers = self._grant([each.wish for each in together])
        except self._concerns_all as error:
            for each in together:
                each.error = error
        except Exception as error:  # noqa: BLE001 - told to whoever's fault it is
            if len(together) == 1:
                together[0].error = error
                return
            for each in together:
                self._serve([each])
        except BaseException as error:
            for each in together:
                each.error = error
            raise
        else:
            for each, answer in zip(together, answers, strict=True):
                each.granted.append(answer)
