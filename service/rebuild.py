"""Rebuilding the views beside the live ones, comparing, changing places, and dropping what is done with."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine, func
from sqlalchemy.exc import OperationalError

from events.log import Log
from projectors.fold_version import fold_version, versions_of
from projectors.positions import Key
from projectors.read_models import LIVE, READ_MODELS
from projectors.rebuild_compare import Compared, Difference, compare
from projectors.rebuild_level import is_lock_timeout, level_snapshot, lock_timeout
from projectors.rebuild_schema import drop_target, make_past_views, make_tables
from projectors.rebuild_swap import Swap
from projectors.rebuild_targets import (
    CHECK,
    STANDBY,
    Target,
    claim,
    enter,
    find,
    mark,
    past_name,
)
from service.rebuild_filling import CatchingUp, Progress, RebuildError
from service.wiring import Wiring

__all__ = ["Progress", "Rebuild", "RebuildError", "Refilled", "Verified", "rebuilt_equals_live"]

_DROP_WITHIN_S = 10.0
_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True)
class Refilled:
    """A target that is filled, and what it took; ``views``: schema of its views, for a moment of the past."""

    target: Target
    records: int
    seconds: float
    processes: int
    rss_mb: int
    views: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """A comparison at equal positions; ``against``: the schema that live was compared with."""

    against: str
    ends: dict[Key, int]
    tables: tuple[Compared, ...]
    is_same_code: bool

    @property
    def differing(self) -> list[Compared]:
        """Tables that are not equal."""
        return [each for each in self.tables if not each.is_equal]


@dataclass
class Rebuild:
    """Of one site. ``processes``: how many fill at once; None: one a core."""

    wiring: Wiring
    told: Callable[[Progress], None] = field(default=lambda _progress: None)
    processes: int | None = None
    _engine: Engine = field(init=False)
    _log: Log = field(init=False)

    def __post_init__(self) -> None:
        self._engine = self.wiring.engine(pool_size=6)
        self._log = self.wiring.log()

    def close(self) -> None:
        """Let go."""
        self._log.close()
        self._engine.dispose()

    # --- filling

    def replay(self, names: Sequence[str] = READ_MODELS, *, until: datetime | None = None) -> Refilled:
        """Fill a schema beside the live one, or go on where a former run was ended; raises RebuildError."""
        kind, schema = ("standby", STANDBY) if until is None else ("past", past_name(until))
        with claim(self._engine, schema, "replay"):
            return self._filled(schema, kind, names, until)

    def _filled(self, schema: str, kind: str, names: Sequence[str], until: datetime | None) -> Refilled:
        target = self._begun(schema, kind, names, until)
        work = CatchingUp(self.wiring, self._engine, self._log, target, self.processes, self.told)
        work.run()
        views = None
        with self._engine.begin() as connection:
            if until is not None:
                views = make_past_views(connection, target, until)
            mark(connection, schema, state="filled", filled_at=func.clock_timestamp(), records=work.records)
            done = find(connection, schema)
        assert done is not None  # noqa: S101 - we hold the claim
        return Refilled(done, work.records, work.seconds, work.most_processes, work.rss_mb, views)

    def _begun(self, schema: str, kind: str, names: Sequence[str], until: datetime | None) -> Target:
        with self._engine.connect() as connection:
            found = find(connection, schema)
        if found is not None and found.state == "filled" and kind != "check":
            raise RebuildError(
                f"{schema} is filled already, since {found.filled_at:%Y-%m-%d %H:%M:%S} UTC ({found.kind}); "
                f"meridian projection drop {schema} makes room for another one"
            )
        if found is not None and _may_go_on(found, kind, names, until):
            return found
        if found is not None:
            self._drop(schema)
        with self._engine.begin() as connection:
            target = enter(connection, schema, kind=kind, tables=names, until_at=until)
            make_tables(connection, target.models)
        return target

    # --- comparing

    def verify(
        self, names: Sequence[str] = READ_MODELS, *, fresh: bool = False, every_row: bool = False
    ) -> Verified:
        """Live against the standby, or (``fresh``, or where there is none) against a fold made for it now."""
        with claim(self._engine, STANDBY, "verify"):
            target = self._standby()
            if target is not None and target.state == "filled" and not fresh:
                chosen = [name for name in names if name in target.tables]
                return self._compared(target, chosen, every_row=every_row)
        with claim(self._engine, CHECK, "verify"):
            try:
                target = self._filled(CHECK, "check", names, None).target
                return self._compared(target, names, every_row=every_row)
            finally:
                self._drop(CHECK)

    def _compared(self, target: Target, names: Sequence[str], *, every_row: bool = False) -> Verified:
        looked = list(dict.fromkeys([*names, LIVE.tainted.name]))
        with self._engine.connect() as connection:
            ends = level_snapshot(
                self._engine, self._log, self.wiring.topics, target.models, reader=connection
            )
            tables = tuple(compare(connection, target.models, names=looked, every_row=every_row))
            versions = versions_of(connection, LIVE.schema, looked) | versions_of(
                connection, target.schema_name, looked
            )
            connection.rollback()
        return Verified(target.schema_name, ends, tables, is_same_code=len(versions) == 1)

    # --- changing places

    def swap(self, *, agreed: Callable[[Verified], bool], wait_s: float = 15.0) -> Verified:
        """Make the rebuilt tables the live ones; raises RebuildError where the same code gave other rows.

        Where another version of the code filled the live ones, ``agreed`` is shown the differences and asked.
        """
        with claim(self._engine, STANDBY, "swap"):
            target = self._swappable("standby")
            found = self._compared(target, target.tables)
            if found.differing:
                _refuse_if_wrong(found, target)
                if not agreed(found):
                    raise RebuildError("nothing was swapped: the differences were not agreed to")
            since = None if found.differing else found.ends
            self._swapped(target, becomes="former", since=since, wait_s=wait_s)
            return found

    def rollback(self, *, wait_s: float = 15.0) -> Target:
        """Make the tables live again that were so before the swap; they were fed on all the time."""
        with claim(self._engine, STANDBY, "rollback"):
            target = self._swappable("former")
            self._swapped(target, becomes="standby", since=None, wait_s=wait_s)
            return target

    def _swapped(self, target: Target, *, becomes: str, since: dict[Key, int] | None, wait_s: float) -> None:
        def unchanged(tables: Sequence[Compared]) -> None:
            wrong = [each for each in tables if not each.is_equal]
            if wrong:
                raise RebuildError(
                    f"what came in since the comparison differs: {_told(wrong)}; nothing was swapped; "
                    "meridian projection verify shows it"
                )

        swap = Swap(self._engine, self._log, self.wiring.topics, target, wait_s)
        swap.run(becomes=becomes, since=since, wanted=unchanged)

    def _swappable(self, kind: str) -> Target:
        target = self._standby()
        if target is None or target.kind != kind:
            found = "nothing" if target is None else f"tables of kind {target.kind}"
            wanted, way = (
                ("rebuilt tables beside the live ones", "meridian replay all makes them")
                if kind == "standby"
                else (
                    "the tables that were live before a swap",
                    "there was no swap, or they were dropped since",
                )
            )
            raise RebuildError(f"found {found} in {STANDBY}, wanted {wanted}; {way}")
        if target.state != "filled":
            raise RebuildError(
                f"{STANDBY} is {target.state}{': ' + target.message if target.message else ''}, wanted it filled and "
                "fed; meridian replay fills it"
            )
        return target

    def _standby(self) -> Target | None:
        with self._engine.connect() as connection:
            return find(connection, STANDBY)

    # --- dropping

    def drop(self, schema: str = STANDBY) -> None:
        """Drop a target; raises RebuildError where there is none."""
        with claim(self._engine, schema, "drop"):
            with self._engine.connect() as connection:
                if find(connection, schema) is None:
                    raise RebuildError(f"found no {schema}; meridian projection list shows what there is")
            self._drop(schema)

    def _drop(self, schema: str) -> None:
        until = time.monotonic() + _DROP_WITHIN_S
        while True:
            try:
                with self._engine.begin() as connection:
                    lock_timeout(connection)
                    drop_target(connection, schema)
            except OperationalError as error:
                if not is_lock_timeout(error):
                    raise
                if time.monotonic() > until:
                    raise RebuildError(
                        f"{schema} is being read, so it was not dropped; try again when that query has ended"
                    ) from error
                time.sleep(_PAUSE_S)
            else:
                return


def rebuilt_equals_live(wiring: Wiring) -> list[Difference]:
    """Fold the whole ledger anew beside the live views and compare every row at equal positions; [] is equal.

    The projector may run or not; what is made for it is dropped again.
    """
    rebuild = Rebuild(wiring)
    try:
        found = rebuild.verify(fresh=True, every_row=True)
    finally:
        rebuild.close()
    return [each for table in found.tables for each in table.differences]


def _may_go_on(found: Target, kind: str, names: Sequence[str], until: datetime | None) -> bool:
    """A former run of the same code for the same purpose was ended on its way."""
    same = (found.kind, set(found.tables), found.until_at, found.fold_version)
    return found.state == "filling" and same == (kind, set(names), until, fold_version())


def _refuse_if_wrong(found: Verified, target: Target) -> None:
    if found.is_same_code:
        raise RebuildError(
            f"refused: the same code folded the same ledger into other rows: {_told(found.differing)}; either the live "
            "rows or the rebuilt ones were changed by hand, or a fold depends on more than its events; "
            "meridian projection verify names them"
        )
    if set(target.tables) != set(READ_MODELS) and any(
        each.table == LIVE.tainted.name for each in found.differing
    ):
        raise RebuildError(
            "refused: this code puts other subjects into quarantine than the live views have, which concerns all of "
            "them; rebuild them together: meridian projection drop, then meridian replay all"
        )


def _told(tables: Sequence[Compared]) -> str:
    first = [each.differences[0] for each in tables if each.differences]
    counts = ", ".join(f"{each.count} in {each.table}" for each in tables)
    return f"{counts}; such as {first[0]}" if first else counts
