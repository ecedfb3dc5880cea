"""What Kafka refuses again and again, and not only until it is up again."""

import time

from events.log import LogError, LogUnavailableError
from service.decider.halts import Halt

__all__ = ["Refusal", "refused"]

FOR_S = 15.0


class Refusal:
    """Remembers since when the same part has been refused what it needs."""

    def __init__(self) -> None:
        self._first_at: float | None = None
        self._last_at = 0.0

    def is_final(self, error: Exception) -> bool:
        """It has been refused for so long without a pause; begins anew when it says so."""
        now = time.monotonic()
        if not isinstance(error, LogError) or isinstance(error, LogUnavailableError):
            return False
        if self._first_at is None or now - self._last_at > FOR_S:
            self._first_at = now
        self._last_at = now
        if now - self._first_at < FOR_S:
            return False
        self._first_at = None
        return True


def refused(error: Exception) -> Halt:
    """The halt that it is."""
    return Halt("LOG_REFUSES", " ".join(str(error).split()))
