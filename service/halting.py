"""Running a part that may halt: the halt is written down, and waited out until somebody has recovered from it."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from events.log import LogError
from projectors.halt import HaltError, LostPositionError
from service.decider.halts import Halt, StoreUnavailableError
from service.decider.refusal import Refusal, refused
from service.snapshots import is_halted, record_halt

__all__ = ["ALL", "EVERY", "halting_follower", "while_not_halted"]

log = logging.getLogger(__name__)

ALL, EVERY = "all", -1
"""Machine and partition of a halt that concerns all of them."""

_LOOK_S = 1.0
_UNAVAILABLE = (StoreUnavailableError, LogError, SQLAlchemyError)


def while_not_halted(engine: Engine, part: str, work: Callable[[], None], stop: threading.Event) -> None:
    """Run ``work`` again and again until ``stop``, but not while ``part`` is halted."""
    told = False
    refusal = Refusal()
    to_write: Halt | None = None
    while not stop.is_set():
        try:
            if to_write is not None:
                record_halt(engine, part=part, machine=ALL, partition=EVERY, halt=to_write)
                to_write = None
            elif not is_halted(engine, part=part, machine=ALL, partition=EVERY):
                work()
            told = False
        except Halt as halt:
            log.error("halted", extra={"part": part, "halt": str(halt)})
            to_write = halt  # before anything else, and as often as it takes: the database may be away
            continue
        except _UNAVAILABLE as error:
            if refusal.is_final(error):
                to_write = refused(error)
                log.error("halted", extra={"part": part, "halt": str(to_write)})
                continue
            if not told:
                log.warning(
                    "waiting for a server", extra={"part": part, "error": " ".join(str(error).split())[:500]}
                )
                told = True
        stop.wait(_LOOK_S)


def halting_follower(
    engine: Engine, part: str, follow: Callable[[], None], stop: threading.Event
) -> Callable[[], None]:
    """The same for a follower of the ledger, as work for a leader; ends also when another one has taken over."""

    def once() -> None:
        try:
            follow()
        except HaltError as error:
            raise Halt(error.code, error.message, **error.details) from error

    def work() -> None:
        try:
            while_not_halted(engine, part, once, stop)
        except LostPositionError as error:
            log.warning("another follower has taken over", extra={"part": part, "error": str(error)})

    return work
