"""Whether the topics that are read are still the ones: offsets alone would not tell one topic from another."""

import time
from collections.abc import Callable, Mapping

from projectors.halt import HaltError
from projectors.positions import Key

__all__ = ["TopicWatch"]

_LOOK_EVERY_S = 2.0
_LOOK_AGAIN_S = 0.5


class TopicWatch:
    """Looks every few seconds, and twice before it says that they are others."""

    def __init__(self, look: Callable[[], Mapping[Key, str]]) -> None:
        """``look`` gives the topics' ids by partition, or raises HaltError."""
        self._look = look
        self._next_at = 0.0

    def are_others(self, wanted: Mapping[Key, str], wait: Callable[[float], bool]) -> bool:
        """``wait`` is given seconds, and says whether it is time to stop."""
        if time.monotonic() < self._next_at:
            return False
        are_same = self._are(wanted)
        if not are_same and not wait(_LOOK_AGAIN_S):
            are_same = self._are(wanted)  # a broker that has just come up may not know all of them yet
        self._next_at = time.monotonic() + _LOOK_EVERY_S
        return not are_same and not wait(0)

    def _are(self, wanted: Mapping[Key, str]) -> bool:
        try:
            return self._look() == wanted
        except HaltError:
            return False
