"""What goes wrong in a simulated site, each fault ordered at a moment of the program's choice."""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from events.memory_log import CommitFault
from tests.simulation.laws import Laws
from tests.simulation.site import Site

__all__ = ["Fault", "Faults"]

Fault = Callable[[int], None]
"""The number chooses where, or how."""

SPOILT = (b"", b"{}", b'{"state": 1}', b"\xff")


class Faults:
    """All of them; those of log, decider and clock concern every program."""

    def __init__(self, site: Site, laws: Laws) -> None:
        self._site = site
        self._laws = laws
        self._backups: list[Any] = []

    def of(self, kinds: Collection[str]) -> list[Fault]:
        """Those that concern a site with these kinds of processes."""
        found = [
            *[self.commit_fails] * 3, self.late_commits_happen, self.broker_is_away, self.committed_offsets_are_lost,
            self.store_fails, self.snapshots_are_lost, self.a_snapshot_is_spoilt, self.snapshots_are_ahead,
            self.a_backup_is_made, self.a_backup_is_restored, self.a_clock_jumps,
        ]  # fmt: skip
        if "projector" in kinds:
            found += [self.a_session_is_cut, self.a_session_is_cut, self.all_sessions_are_cut]
        if "worker" in kinds:
            found += [self.a_put_fails, self.a_send_fails, self.time_passes, self.time_passes]
        return found

    # --- log ---

    def commit_fails(self, where: int) -> None:
        """One of the next commits is aborted, stands though the caller is told otherwise, or happens later."""
        self._laws.allowed_halts.add("STUCK_AT_REQUEST")
        self._site.inner.fail_next_commit(list(CommitFault)[where % 3])

    def late_commits_happen(self, _where: int) -> None:
        self._site.inner.settle()

    def broker_is_away(self, where: int) -> None:
        self._site.log.away = 1 + where % 3

    def committed_offsets_are_lost(self, where: int) -> None:
        """Kafka forgets the offsets of a group after a while, or has them from an older copy."""
        offsets = self._site.inner._store.offsets
        for key in list(offsets):
            offsets[key] = max(0, offsets[key] - 1 - where % 7)

    def a_send_fails(self, where: int) -> None:
        """A single record: lost, or there, and nobody is told."""
        self._site.log.send_faults.append(("lost", "landed")[where % 2])

    # --- the decider's store ---

    def store_fails(self, where: int) -> None:
        stores = [process.store for process in self._site.processes if process.store is not None]
        if stores:
            stores[where % len(stores)].failing.append(("fails", "stands")[where // 16 % 2])

    def snapshots_are_lost(self, where: int) -> None:
        tables, partition = self._site.tables["file"], where % 2
        tables.snapshots.pop(partition, None)
        tables.marks.pop(partition, None)
        self._sessions_end()

    def a_snapshot_is_spoilt(self, where: int) -> None:
        snapshots = self._site.tables["file"].snapshots.get(where % 2, {})
        for name in sorted(snapshots)[:1]:
            snapshots[name] = SPOILT[where // 2 % len(SPOILT)]

    def snapshots_are_ahead(self, where: int) -> None:
        self._laws.allowed_halts.add("SNAPSHOT_AHEAD")
        self._site.tables["file"].set_ahead(where % 2)

    def _sessions_end(self) -> None:
        for process in self._site.processes:
            if process.store is not None:
                process.store.failing.append("fails")

    # --- PostgreSQL ---

    def a_session_is_cut(self, where: int) -> None:
        self._site.database.faults.append(("cut", "stands")[where % 2])

    def all_sessions_are_cut(self, _where: int) -> None:
        self._site.database.cut()

    def a_backup_is_made(self, _where: int) -> None:
        tables = {machine: tables.copy() for machine, tables in self._site.tables.items()}
        self._backups.append((tables, self._site.database.copy()))

    def a_backup_is_restored(self, where: int) -> None:
        """PostgreSQL as it was at some time: whoever worked with it loses its session, and begins anew."""
        if self._backups:
            tables, rows = self._backups[where % len(self._backups)]
            self._site.tables |= {machine: each.copy() for machine, each in tables.items()}
            self._site.database.restore(rows)
            self._sessions_end()

    # --- archive and clocks ---

    def a_put_fails(self, where: int) -> None:
        """It was refused, or it stands and the answer was lost."""
        self._site.archive.faults.append(("refused", "stands")[where % 2])

    def a_clock_jumps(self, where: int) -> None:
        """By an hour, back or forth, on one machine."""
        processes = self._site.processes
        if processes:
            processes[where % len(processes)].clock_offset += timedelta(hours=(-1, 1)[where // 16 % 2])

    def time_passes(self, where: int) -> None:
        self._site.clock.now += timedelta(seconds=(1, 20, 90)[where % 3])

    # --- the end of it ---

    def mend(self) -> None:
        """Nothing that was ordered happens any more."""
        site = self._site
        site.inner.settle()
        site.inner._store.faults.clear()
        site.log.away = 0
        for faults in (site.log.send_faults, site.database.faults, site.archive.faults):
            faults.clear()
        for process in site.processes:
            process.clock_offset = timedelta(0)
            if process.store is not None:
                process.store.failing.clear()  # each costs a round, in which all would seem to be at rest
