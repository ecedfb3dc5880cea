"""The door with patience: while a server is away it waits and tries again, and lets go of nothing."""

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence

from consumers.door import Door
from events.log import LogError, LogUnavailableError, Message, Writer
from projectors.stream_rules import RulesUnavailableError

__all__ = ["GaveUp", "PatientDoor"]

log = logging.getLogger(__name__)

_PAUSE_S = 0.5
_SAID_EVERY_S = 30.0


class GaveUp(Exception):  # noqa: N818 - the way out of waiting when the process stops
    """The batch was not handled and must not be let go."""


class PatientDoor:
    """``Door.handle`` until it succeeds. The writer is made when first needed, and anew after the log was away."""

    def __init__(
        self, *, open_writer: Callable[[], Writer], open_door: Callable[[Writer], Door], stop: threading.Event
    ) -> None:
        self._open_writer = open_writer
        self._open_door = open_door
        self._stop = stop
        self._writer: Writer | None = None
        self._turn = threading.Lock()
        self.is_waiting = False
        """A server is away, and that is why nothing gets on."""

    def handle(self, messages: Sequence[Message]) -> None:
        """What becomes of the messages is on the log when this returns. Raises GaveUp once told to stop.

        One batch at a time: an application that has ended may still be at its last one when the next begins.
        """
        with self._turn:
            waited_s = 0.0
            while (found := self._tried(messages)) is not None:
                if waited_s == 0 or waited_s % _SAID_EVERY_S < _PAUSE_S:
                    log.warning("intake waits", extra={"error": str(found), "messages": len(messages)})
                if self._stop.wait(_PAUSE_S):
                    raise GaveUp
                waited_s += _PAUSE_S
                self.is_waiting = True
            self.is_waiting = False
            if waited_s:
                log.warning("intake goes on", extra={"waited_s": round(waited_s, 1)})

    def _tried(self, messages: Sequence[Message]) -> Exception | None:
        """None when it is done, else what stands in the way."""
        try:
            self._open_door(self._opened()).handle(messages)
        except LogUnavailableError as error:
            with contextlib.suppress(LogError):  # it could not send before, so it may not be able to now
                self.close()
            return error
        except RulesUnavailableError as error:
            return error
        return None

    def close(self) -> None:
        """Let go of the writer."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _opened(self) -> Writer:
        if self._writer is None:
            self._writer = self._open_writer()
        return self._writer
