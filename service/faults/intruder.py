"""``python -m service.faults.intruder ROLE``: does a role's work without lease or lock, as if started by mistake.

What keeps the two apart then is the fence alone.
"""

import logging
import os
import sys
import threading
from collections.abc import Iterable

from sqlalchemy import Engine

from events import failpoints
from events.kafka_log import KafkaLog
from events.parentage import stop_with_parent
from events.topics import MACHINES
from projectors.follower import Follower, LostPositionError
from projectors.positions import position
from projectors.projector import Projector
from service.decider.leases import Leases, Slot
from service.decider.process import Decider
from service.logging_setup import set_up
from service.settings import load
from service.wiring import Wiring

__all__ = ["main"]

log = logging.getLogger(__name__)

_AGAIN_S = 0.3


class _AllLeases(Leases):
    """Says that everything is ours."""

    def acquire(self, slots: Iterable[Slot]) -> set[Slot]:
        return set(slots)

    def release(self) -> None:
        """There is nothing to give back."""


class _ForcedDecider(Decider):
    def force(self, engine: Engine) -> None:
        self._leases = _AllLeases(engine, owner="intruder")


def decide(wiring: Wiring, stop: threading.Event) -> None:
    """Own every partition, again and again."""
    engine = wiring.engine(pool_size=10)
    decider = _ForcedDecider(
        logs=KafkaLog(wiring.endpoints.kafka, client_id="meridian-intruder"),
        engine=engine,
        topics=wiring.topics,
        partitions=wiring.settings.partitions,
    )
    decider.force(engine)
    decider.run(stop)


def project(wiring: Wiring, stop: threading.Event) -> None:
    """Take every position over, again and again."""
    engine, logs = wiring.engine(), wiring.log()
    while not stop.is_set():
        follower = Follower(
            log=logs,
            topics=wiring.topics,
            engine=engine,
            name="projector",
            machines=MACHINES,
            apply=Projector(),
            positions_table=position,
        )
        try:
            follower.run(stop)
        except LostPositionError as error:
            log.warning("taken over by the other", extra={"error": str(error)})
        finally:
            follower.close()
        stop.wait(_AGAIN_S)


WORK = {"decider": decide, "projector": project}


def main() -> None:
    """Until standard input ends."""
    role = sys.argv[1]
    set_up("info", role=f"intruder-{role}")
    failpoints.arm_from(os.environ)
    stop = threading.Event()
    stop_with_parent(stop)
    WORK[role](Wiring.of(load(), program=f"intruder-{role}"), stop)


if __name__ == "__main__":
    main()
