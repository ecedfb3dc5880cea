"""Feeding what stands beside the live tables, so that it can take their place at any time, and take it back."""

import logging
import threading
from contextlib import suppress

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from events.log import Log, LogError, Place
from events.topics import MACHINES, Topics
from projectors.follower import Follower
from projectors.halt import LostPositionError
from projectors.projector import Projector
from projectors.rebuild_fill import FOLLOWER, live_ends
from projectors.rebuild_log import ReadOnlyLog
from projectors.rebuild_targets import Target, mark, targets

__all__ = ["Feeding"]

log = logging.getLogger(__name__)

_LOOK_S = 1.0
_STEP_S = 0.25
_OUTAGE = (OperationalError, InterfaceError, LogError)


class Feeding:
    """Feeds targets one step behind live, until told to stop. What goes wrong here never stops the live projector."""

    def __init__(self, *, log: Log, topics: Topics, engine: Engine) -> None:
        self._log = log
        self._topics = topics
        self._engine = engine

    def run(self, stop: threading.Event) -> None:
        """Look for something to feed, and feed it while it is there."""
        while not stop.is_set():
            try:
                for each in self._fed():
                    self._feed(each, stop)
            except LostPositionError:
                log.info(
                    "standby is in other hands"
                )  # a command brings it to equal positions, or has swapped it
            except (DBAPIError, LogError) as error:
                log.warning(
                    "feeding of the standby waits", extra={"error": " ".join(str(error).split())[:500]}
                )
            stop.wait(_LOOK_S)

    def _fed(self) -> list[Target]:
        with self._engine.connect() as connection:
            return [each for each in targets(connection) if each.is_fed]

    def _feed(self, target: Target, stop: threading.Event) -> None:
        limits: dict[Place, int] = {}
        models = target.models
        follower = Follower(
            log=ReadOnlyLog(self._log, limits), topics=self._topics, engine=self._engine, name=FOLLOWER,
            machines=MACHINES, apply=Projector(models=models), positions_table=models.position,
        )  # fmt: skip
        try:
            follower.take_over()
            while not stop.is_set() and target in self._fed():
                limits |= {
                    Place(self._topics.events(machine), number): end
                    for (machine, number), end in live_ends(self._engine).items()
                }
                while follower.step(0.0) and not stop.is_set():
                    pass
                stop.wait(_STEP_S)
        except (LostPositionError, *_OUTAGE):
            raise
        except Exception as error:  # noqa: BLE001 - a halt, or tables of another shape: to be built anew
            self._give_up(target, error)
        finally:
            follower.close()

    def _give_up(self, target: Target, error: Exception) -> None:
        said = " ".join(str(getattr(error, "orig", None) or error).split())[:500]
        with suppress(DBAPIError):
            if target not in self._fed():
                return  # dropped or swapped meanwhile
        log.error("standby broken", exc_info=error, extra={"schema": target.schema_name, "error": said})
        with suppress(DBAPIError), self._engine.begin() as connection:
            mark(connection, target.schema_name, state="broken", message=said)
