"""The decider's process: leases for every partition, a thread for each that is ours, and halts written down."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine

from events.log import Log, LogError, Place
from events.topics import Topics
from machines import MACHINES
from machines.desk import Desk
from service.decider.clock_watch import say_if_behind
from service.decider.fences import Fences
from service.decider.halts import Halt, StoreUnavailableError
from service.decider.leases import HEARTBEAT_S, Leases, Slot
from service.decider.owner import OwnerSettings, PartitionOwner
from service.decider.refusal import Refusal, refused
from service.decider.store import Store
from service.decider.takeover import Seat
from service.decider.topology import TopologyWatch, check_topics
from service.snapshots import Snapshots, is_halted, record_halt

__all__ = ["Decider", "owner_name"]

log = logging.getLogger(__name__)

STOP_S = 6.0
DEFAULTS = OwnerSettings(poll_s=1.0, gathered_s=0.5)


@dataclass(slots=True)
class _Running:
    thread: threading.Thread
    stop: threading.Event = field(default_factory=threading.Event)


def now() -> datetime:
    """This machine's clock."""
    return datetime.now(UTC)


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
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._logs = logs
        self._engine = engine
        self._topics = topics
        self._settings = settings
        self._leases = Leases(engine, owner=owner or owner_name(), clock=clock)
        self._clock = clock
        self._known = check_topics(logs, engine, topics, partitions)
        say_if_behind(engine, clock)
        self._watch = TopologyWatch(logs, self._known)
        self._partitions = {machine: self._known[topics.requests(machine)][1] for machine in partitions}
        self._fences = Fences()
        self._turns = {machine: threading.Lock() for machine in partitions}
        self._refusals: dict[Slot, Refusal] = {}
        self._others: dict[Slot, str] = {}
        self._running: dict[Slot, _Running] = {}
        self.owners: dict[Slot, PartitionOwner] = {}

    def run(self, stop: threading.Event) -> None:
        """Hold leases and decide until told to stop; then finish the batch under way and give the leases back.

        Raises Halt when the topics are not the ones any more.
        """
        slots = [(machine, number) for machine, count in self._partitions.items() for number in range(count)]
        told = False
        try:
            while not stop.is_set():
                try:
                    self._tend(slots)
                    self._watch.look()
                    told = False
                except (StoreUnavailableError, LogError) as error:
                    if not told:
                        log.warning("waiting for a server", extra={"error": str(error)})
                    told = True
                stop.wait(HEARTBEAT_S)
        finally:
            self._stop_all()

    def _tend(self, slots: list[Slot]) -> None:
        for slot in [slot for slot, running in self._running.items() if not running.thread.is_alive()]:
            del self._running[slot]
        held = self._leases.acquire(slots)
        self._say_who_has_the_rest(held, slots)
        for slot in self._running.keys() - held:
            log.warning("lease lost", extra={"machine": slot[0], "partition": slot[1]})
            self._running[slot].stop.set()
        for slot in sorted(held - self._running.keys()):
            if not is_halted(self._engine, part="decider", machine=slot[0], partition=slot[1]):
                self._start(slot)

    def _say_who_has_the_rest(self, held: set[Slot], slots: list[Slot]) -> None:
        """Standing by is told once, and again when another process has it."""
        others = self._leases.others() if held != set(slots) else {}
        if others != self._others:
            for owner in sorted(set(others.values()) - set(self._others.values())):
                theirs = [
                    f"{machine}/{number}" for (machine, number), each in others.items() if each == owner
                ]
                log.info("standing by for another decider", extra={"owner": owner, "partitions": theirs})
            self._others = others

    def _start(self, slot: Slot) -> None:
        running = _Running(
            threading.Thread(target=self._own, args=(slot,), name=f"{slot[0]}-{slot[1]}", daemon=True)
        )
        self._running[slot] = running
        running.thread.start()

    def _own(self, slot: Slot) -> None:
        machine, partition = slot
        store = Snapshots(self._engine, machine=machine, partition=partition)
        try:
            self.owners[slot] = owner = self._owner(machine, partition, store)
            began = time.monotonic()
            owner.run(self._running[slot].stop)
            if not self._running[slot].stop.is_set():
                self._fences.met(slot, after_s=time.monotonic() - began)
        except Halt as halt:
            self._halted(slot, halt)
        except LogError as error:
            log.warning(
                "owner ended; begun anew",
                extra={"machine": machine, "partition": partition, "error": str(error)},
            )
            if self._refusals.setdefault(slot, Refusal()).is_final(error):
                self._halted(slot, refused(error))
        except Exception:
            log.exception("owner died; begun anew", extra={"machine": machine, "partition": partition})
        finally:
            store.close()

    def _halted(self, slot: Slot, halt: Halt) -> None:
        machine, partition = slot
        log.error("halted", extra={"machine": machine, "partition": partition, "halt": str(halt)})
        try:
            record_halt(self._engine, part="decider", machine=machine, partition=partition, halt=halt)
        except StoreUnavailableError as error:
            # The next owner of the partition comes to the same halt, and writes it down once that can be done.
            extra = {"machine": machine, "partition": partition, "error": str(error)}
            log.warning("halt not written down yet", extra=extra)

    def _owner(self, machine: str, partition: int, store: Store) -> PartitionOwner:
        requests = self._topics.requests(machine)
        seat = Seat(
            machine=machine,
            partition=partition,
            ledger=Place(self._topics.events(machine), partition),
            requests=Place(requests, partition),
            requests_topic_id=self._known[requests][0],
        )
        return PartitionOwner(
            seat=seat,
            logs=self._logs,
            topics=self._topics,
            store=store,
            desk=Desk(MACHINES[machine], site=self._topics.site),
            partitions=self._partitions[machine],
            settings=self._settings,
            clock=self._clock,
            turn=self._turns[machine],
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
