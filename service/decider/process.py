"""The decider's process: leases for every partition, a thread for each that is ours, and halts written down."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine

from events.log import Log, Place
from events.topics import Topics
from machines import MACHINES
from machines.desk import Desk
from service.decider.halts import Halt, StoreUnavailableError
from service.decider.leases import HEARTBEAT_S, Leases, Slot
from service.decider.owner import OwnerSettings, PartitionOwner
from service.decider.takeover import Seat
from service.decider.topology import check_topics
from service.snapshots import Snapshots, is_halted, record_halt

__all__ = ["Decider", "owner_name"]

log = logging.getLogger(__name__)

STOP_S = 6.0
DEFAULTS = OwnerSettings()


@dataclass(slots=True)
class _Running:
    thread: threading.Thread
    stop: threading.Event = field(default_factory=threading.Event)


def owner_name() -> str:
    """Host, process and a random word: no two processes are ever called the same."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


class Decider:
    """Decides for all machines of a site, as far as leases go; a second process takes over what is let go."""

    def __init__(
        self,
        *,
        logs: Log,
        engine: Engine,
        topics: Topics,
        partitions: Mapping[str, int],
        settings: OwnerSettings = DEFAULTS,
        owner: str | None = None,
    ) -> None:
        self._logs = logs
        self._engine = engine
        self._topics = topics
        self._settings = settings
        self._leases = Leases(engine, owner=owner or owner_name())
        self._ids = check_topics(logs, engine, topics, partitions)
        names = {machine: topics.requests(machine) for machine in partitions}
        counts = logs.partitions(names.values())
        self._partitions = {machine: counts[name] for machine, name in names.items()}
        self._running: dict[Slot, _Running] = {}
        self.owners: dict[Slot, PartitionOwner] = {}

    def run(self, stop: threading.Event) -> None:
        """Hold leases and decide until told to stop; then finish the batch under way and give the leases back."""
        slots = [(machine, number) for machine, count in self._partitions.items() for number in range(count)]
        told = False
        while not stop.is_set():
            try:
                self._tend(slots)
                told = False
            except StoreUnavailableError as error:
                if not told:
                    log.warning("waiting for postgresql", extra={"error": str(error)})
                told = True
            stop.wait(HEARTBEAT_S)
        self._stop_all()

    def _tend(self, slots: list[Slot]) -> None:
        for slot in [slot for slot, running in self._running.items() if not running.thread.is_alive()]:
            del self._running[slot]
        held = self._leases.acquire(slots)
        for slot in self._running.keys() - held:
            log.warning("lease lost", extra={"machine": slot[0], "partition": slot[1]})
            self._running[slot].stop.set()
        for slot in sorted(held - self._running.keys()):
            if not is_halted(self._engine, part="decider", machine=slot[0], partition=slot[1]):
                self._start(slot)

    def _start(self, slot: Slot) -> None:
        running = _Running(
            threading.Thread(target=self._own, args=(slot,), name=f"{slot[0]}-{slot[1]}", daemon=True)
        )
        self._running[slot] = running
        running.thread.start()

    def _own(self, slot: Slot) -> None:
        machine, partition = slot
        try:
            self.owners[slot] = owner = self._owner(machine, partition)
            owner.run(self._running[slot].stop)
        except Halt as halt:
            log.error("halted", extra={"machine": machine, "partition": partition, "halt": str(halt)})
            self._write_down(machine, partition, halt)
        except Exception:
            log.exception("owner died; begun anew", extra={"machine": machine, "partition": partition})

    def _write_down(self, machine: str, partition: int, halt: Halt) -> None:
        try:
            record_halt(self._engine, part="decider", machine=machine, partition=partition, halt=halt)
        except StoreUnavailableError as error:
            # The next owner of the partition comes to the same halt, and writes it down once that can be done.
            extra = {"machine": machine, "partition": partition, "error": str(error)}
            log.warning("halt not written down yet", extra=extra)

    def _owner(self, machine: str, partition: int) -> PartitionOwner:
        requests = self._topics.requests(machine)
        seat = Seat(
            machine=machine,
            partition=partition,
            ledger=Place(self._topics.events(machine), partition),
            requests=Place(requests, partition),
            requests_topic_id=self._ids[requests],
        )
        return PartitionOwner(
            seat=seat,
            logs=self._logs,
            topics=self._topics,
            store=Snapshots(self._engine, machine=machine, partition=partition),
            desk=Desk(MACHINES[machine], site=self._topics.site),
            partitions=self._partitions[machine],
            settings=self._settings,
        )

    def _stop_all(self) -> None:
        for running in self._running.values():
            running.stop.set()
        until = (
            time.monotonic() + STOP_S
        )  # for all of them together: what is not done by then is left in doubt
        for running in self._running.values():
            running.thread.join(max(0.0, until - time.monotonic()))
        try:
            self._leases.release()
        except StoreUnavailableError as error:
            log.warning("leases not given back; they expire", extra={"error": str(error)})
