"""A worker: claims items, brings about what they ask for in threads of its own, and reports what came of it."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from queue import SimpleQueue

from sqlalchemy import Connection

from consumers import claims, workers_seen
from consumers.admitting import Admitting
from consumers.claims import Places, WorkItem
from consumers.effects import HEAVY, HOUSEKEEPING, STEPS
from consumers.held import STREAM_CHANNEL
from consumers.light_claims import STAGING, claim_all_light, steps_of_threads
from consumers.light_work import LightWork
from consumers.outage import OUTAGES, in_words
from consumers.pace import Pace
from consumers.previewing import Previewing
from consumers.readings import LiveReadings, Readings
from consumers.reporting import Reporting, named
from consumers.steps import Steps
from consumers.throttle import Admission, Bounds
from consumers.tools import Tools
from consumers.turns import Turns
from consumers.wake import Listener
from consumers.work_items import CHANNEL
from events import failpoints
from events.slack import SLACK

__all__ = ["Pace", "Worker"]

log = logging.getLogger(__name__)


_FOR_THREADS_ALONE = STEPS.keys() - {STAGING}
"""Steps that are never done in the light thread."""


class Worker:
    """One process's share of the work. ``run`` returns after ``stop``, having handed back what it had."""

    def __init__(
        self,
        tools: Tools,
        pace: Pace | None = None,
        readings: Readings | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self._tools = tools
        self._pace = pace or Pace()
        self._admitting = Admitting(readings or LiveReadings([tools.staging_dir]), bounds)
        self._turns = Turns()
        self._reporting = Reporting(tools, gathered_s=self._pace.gathered_s)
        self._steps = Steps(tools, self._reporting)
        self._light = LightWork(tools, self._reporting)
        self._previewing = Previewing(tools, self._reporting, lease_s=self._pace.lease_s)
        self._queue: SimpleQueue[WorkItem | None] = SimpleQueue()
        self._mine: dict[tuple[str, str], WorkItem] = {}
        self._lock = threading.Lock()
        self._call_heavy, self._call_light = threading.Event(), threading.Event()
        self._call_preview = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop``; outages of servers are waited out."""
        listener = Listener(self._tools.engine, (CHANNEL, STREAM_CHANNEL), self._on_notice)
        parts: dict[str, Callable[[], None]] = {
            "listen": lambda: self._listen(listener, stop),
            "beat": lambda: self._beat(stop),
            "light": lambda: self._keep_on("light", self._claim_light, self._call_light, stop),
            "preview": lambda: self._keep_on("preview", self._claim_preview, self._call_preview, stop),
            **{f"step-{number}": self._work for number in range(self._pace.threads)},
        }
        threads = {
            name: threading.Thread(target=target, name=f"worker-{name}", daemon=True)
            for name, target in parts.items()
        }
        for thread in threads.values():
            thread.start()
        log.info("worker started", extra={"worker": self._tools.worker, "threads": self._pace.threads})
        self._keep_on("heavy", self._claim_heavy, self._call_heavy, stop)
        self._hand_back(threads["light"])
        log.info("worker stopped", extra={"worker": self._tools.worker})

    # --- claiming ---

    def _keep_on(
        self, what: str, claim: Callable[[], bool], call: threading.Event, stop: threading.Event
    ) -> None:
        """Claim while there may be more; then wait to be called."""
        told = False
        while not stop.is_set():
            call.clear()
            began_s = time.monotonic()
            try:
                may_be_more = claim()
            except OUTAGES as error:
                may_be_more = False
                if not told:
                    log.warning(
                        "worker waits for the database", extra={"claims": what, "error": in_words(error)}
                    )
                    told = True
                stop.wait(self._pace.look_s)
            except Exception:  # a claim less would be a worker that stands still and says nothing
                may_be_more = False
                log.exception("claims failed, tried again", extra={"claims": what})
                stop.wait(self._pace.look_s)
            else:
                if told:
                    log.info("worker goes on", extra={"claims": what})
                told = False
            if not may_be_more:
                call.wait(self._pace.look_s)
            elif what == "light":
                continue  # its batch was full: there is nobody to wait for
            if (pause_s := began_s + self._pace.pause_s(len(self._mine)) - time.monotonic()) > 0:
                SLACK.pause(pause_s, stop.wait)

    def _claim_heavy(self) -> bool:
        with self._lock:
            have = [item for item in self._mine.values() if item.effect in STEPS]
        pace = self._pace
        may = self._admitting.may_begin(
            have, threads=pace.threads, ahead=pace.ahead, large_at_once=pace.large_at_once
        )
        if may.is_full and self._tools.kept is not None:
            self._tools.kept.clear()
        room = int(not have) if may.is_full else may.items
        if room < min(pace.ahead, max(1, len(have))):
            return False  # all threads are busy and the next items are here: claim several at once, later
        with self._tools.engine.begin() as connection:
            standing = claims.stand(connection)
            self._reporting.remember(standing.rooms)
            first = self._turns.programs_first(have, room=room, threads=pace.threads)
            places = self._places(have, may, room)
            found = self._claimed_steps(
                connection, standing, places, is_full=may.is_full, programs_first=first
            )
        self._hold(found)
        try:
            if found:
                failpoints.reach("worker.after_lease")
        except BaseException:
            self._let_go(found)  # or their leases would be prolonged for ever, with nobody at work on them
            raise
        for item in found:
            self._queue.put(item)
        return len(found) == room

    def _places(self, have: Iterable[WorkItem], may: Admission, room: int) -> Places:
        behind, pace = sum(item.is_behind for item in have), self._pace
        return Places(
            at_most=room,
            large=may.large,
            catch_up=may.catch_up,
            behind=max(0, pace.behind_at_once - behind),
            behind_alone=max(0, pace.behind_alone - behind),
        )

    def _claimed_steps(
        self,
        connection: Connection,
        standing: claims.Standing,
        places: Places,
        *,
        is_full: bool,
        programs_first: int,
    ) -> list[WorkItem]:
        """While a disk is full nothing but what makes room."""
        owner, lease_s, room = self._tools.worker, self._pace.lease_s, places.at_most

        def others(effects: Iterable[str], at_most: int) -> list[WorkItem]:
            return claims.claim_light(
                connection, standing, owner=owner, effects=tuple(effects), at_most=at_most, lease_s=lease_s
            )

        if is_full:
            return others(HOUSEKEEPING, room)
        of_programs = steps_of_threads(self._tools.homes.last)
        found = others(of_programs, programs_first)
        found += claims.claim_steps(
            connection,
            standing,
            owner=owner,
            effects=tuple(HEAVY),
            places=replace(places, at_most=room - len(found)),
            lease_s=lease_s,
        )
        return found + others((*of_programs, *HOUSEKEEPING), room - len(found))

    def _claim_light(self) -> bool:
        pace, owner = self._pace, self._tools.worker
        with self._tools.engine.begin() as connection:
            standing = claims.stand(connection)
            self._reporting.remember(standing.rooms)
            home = self._tools.homes.last
            found, may_be_more = claim_all_light(connection, standing, home=home, owner=owner, pace=pace)
        self._hold(found)
        try:
            if found:
                self._light.do(found)
        finally:
            self._let_go(found)
        # Servers that come back are trusted with more by each success, without a notice.
        return may_be_more or bool(found and standing.rooms)

    def _claim_preview(self) -> bool:
        """Pictures are for when there is nothing else to do here: what is under way goes first."""
        with self._lock:
            if any(item.effect in STEPS for item in self._mine.values()):
                return False
        if not self._admitting.may_preview():
            return False
        found = self._previewing.claim()
        self._hold(found)
        try:
            for item in found:
                self._previewing.do(item)
        finally:
            self._let_go(found)
        return bool(found)

    def _hold(self, items: Iterable[WorkItem]) -> None:
        with self._lock:
            self._mine |= {item.key: item for item in items}

    def _let_go(self, items: Iterable[WorkItem]) -> None:
        with self._lock:
            for item in items:
                self._mine.pop(item.key, None)

    # --- working ---

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                self._steps.do(item)
            except OUTAGES as error:
                # Its lease runs out, and whoever takes it over looks at what has been done.
                log.warning("item let go, no database", extra={**named(item), "error": in_words(error)})
            except Exception:  # a thread less would be a worker that grows slower and says nothing
                log.exception("item let go", extra=named(item))
            finally:
                self._let_go([item])
                self._call_heavy.set()

    def _beat(self, stop: threading.Event) -> None:
        """Prolong our leases, and take back those of the dead."""
        told = False
        while not stop.wait(self._pace.lease_s / 4):
            try:
                released = self._prolong()
                told = False
            except OUTAGES as error:
                released = 0
                if not told:
                    log.warning("no heartbeat", extra={"error": in_words(error)})
                    told = True
            except Exception:  # without a heartbeat every lease of ours would run out in mid-work
                released = 0
                log.exception("heartbeat failed, tried again")
            if released:
                log.warning("items taken back from workers that are gone", extra={"items": released})
                self._on_notice("")

    def _prolong(self) -> int:
        with self._lock:
            have = list(self._mine.values())
        with self._tools.engine.begin() as connection:
            claims.heartbeat(connection, have, lease_s=self._pace.lease_s)
            workers_seen.give_sign(
                connection,
                name=self._tools.worker,
                host=self._tools.host,
                items=len(have),
                reading=self._admitting.reading(),
                forecast=self._admitting.forecast,
                pauses=self._admitting.pauses,
            )
        with self._tools.engine.begin() as connection:
            return claims.release_expired(connection)

    def _listen(self, listener: Listener, stop: threading.Event) -> None:
        listener.run(stop)
        self._on_notice("")  # whoever waits to be called has to see that it is over

    def _on_notice(self, payload: str) -> None:
        effects = set(filter(None, payload.split(",")))
        if not effects or effects & STEPS.keys():
            self._call_heavy.set()
        if not effects or effects - _FOR_THREADS_ALONE:
            self._call_light.set()

    def _hand_back(self, light: threading.Thread) -> None:
        """Let what is under way end, then give back the rest; a late finisher is fenced."""
        self._let_go_of_queued()
        until = time.monotonic() + self._pace.grace_s
        for call in (self._call_light, self._call_preview):
            call.set()
        light.join(self._pace.grace_s)  # what it is just claiming would stay leased
        while self._mine and time.monotonic() < until:
            self._call_heavy.wait(0.05)
            self._call_heavy.clear()
        if self._tools.kept is not None and not self._mine:
            self._tools.kept.clear()
        try:
            with self._tools.engine.begin() as connection:
                released = claims.release_owned(connection, self._tools.worker)
                workers_seen.forget(connection, self._tools.worker)
        except OUTAGES:
            return  # without a database the leases run out by themselves
        if released:
            log.info("items handed back", extra={"items": released, "worker": self._tools.worker})

    def _let_go_of_queued(self) -> None:
        waiting: list[WorkItem] = []
        while not self._queue.empty():
            item = self._queue.get()
            if item is not None:
                waiting.append(item)
        for _ in range(self._pace.threads):
            self._queue.put(None)
        self._let_go(waiting)
