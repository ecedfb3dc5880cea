"""The restore drill: the site is exported, its Kafka and its PostgreSQL are lost, and it goes on in empty ones.

It is done to the site of the shared load itself. That rests while the export is taken, for whatever is acknowledged
behind it is lost with the cluster, by nature; our own processes may be at work, and so may files.
"""

import shutil
from functools import partial
from pathlib import Path
from random import Random

from sqlalchemy import Engine, text

from events.log import LogUnavailableError, Place
from projectors.read_models import READ_MODELS
from service.faults.arena import Arena
from service.faults.aside import aside, patiently
from service.faults.cell import Cell, CellFailedError, NotFiredError, Steps
from service.faults.one_shot import carry_out
from service.faults.own_streams import TROUBLES, load_of, mark_of
from service.site import prepare
from service.stack.kafka_server import KafkaServer
from service.stack.postgres_server import PostgresServer
from service.wiring import Wiring

__all__ = ["CELLS"]

_AT_REST_S = 60.0
_LEVEL_S = 60.0
_WORKING = ("consumers", "worker", "timers")
_LOST = ("kafka", "postgres")

Rows = dict[str, tuple[int, str]]
"""By view: how many, and a sum of hashes of all of them but for what names offsets of the ledger."""


def _restore_drill(arena: Arena, dice: Random) -> Steps:
    """Exported at work, or with the decider's last word shown: then the views have to be the same, row by row."""
    load, folder = load_of(arena), arena.root / f"export-{mark_of(dice)}"
    load.rest()
    try:
        yield from arena.until(
            lambda: load.is_at_rest, within_s=_AT_REST_S, what="the load at rest", fails=NotFiredError
        )
        before: Rows | None = None
        if dice.random() < 0.5:
            _hold_down(arena, _WORKING)
            yield from _level(arena)
            before = yield from aside(partial(_rows, arena.wiring))
        yield from carry_out(arena, "export", str(folder))
        _hold_down(arena, tuple(arena.roles))
        yield from _lost(arena)
        yield from aside(partial(prepare, arena.wiring, lambda _: None))
        yield from carry_out(arena, "import", str(folder), "--reason", "a drill")
        if before is not None:
            _compare(before, (yield from aside(partial(_rows, arena.wiring))))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for role in arena.roles.values():
            role.release()
        load.go_on()


def _hold_down(arena: Arena, names: tuple[str, ...]) -> None:
    for name in names:
        for role in arena.of(name):
            role.hold_down()


def _lost(arena: Arena) -> Steps:
    """Both servers die, and new ones without anything come up in their places."""
    for name in _LOST:
        arena.servers[name].kill()
    yield from aside(partial(_erase, arena))
    for name in _LOST:
        yield from aside(arena.servers[name].server.prepare)
        yield from arena.restarted(name)


def _erase(arena: Arena) -> None:
    kafka, postgres = (arena.servers[name].server for name in _LOST)
    if not isinstance(kafka, KafkaServer) or not isinstance(postgres, PostgresServer):
        raise CellFailedError(f"found {kafka} and {postgres}, wanted servers of the harness's own")
    shutil.rmtree(kafka.folder / "log")
    Path(kafka.folder / "cluster.json").unlink(missing_ok=True)  # another cluster has another id
    shutil.rmtree(postgres.data)


def _level(arena: Arena) -> Steps:
    """Yield until nobody asks any more, all that was asked is decided, and all that was decided is shown."""

    def look() -> None:
        engine, log = arena.wiring.engine(pool_size=1), arena.wiring.log()
        reader = log.reader()
        try:
            with engine.connect() as connection:
                working = list(connection.execute(_WORKING_NOW).scalars())
                stands = connection.execute(_STANDS).all()
            if working:  # children of those that were killed finish what they have begun
                raise TimeoutError(f"{', '.join(working)} is still at work")
            for row in stands:
                place = Place(arena.wiring.topics.requests(row.machine), row.partition)
                if row.next_request < reader.end(place) or (row.shown or 0) < row.next_offset:
                    raise TimeoutError(f"{place.topic}/{place.partition} is not decided and shown yet")
        finally:
            reader.close()
            log.close()
            engine.dispose()

    errors = (*TROUBLES, TimeoutError, LogUnavailableError)
    yield from patiently(look, what="all decided and shown", errors=errors, within_s=_LEVEL_S)


def _rows(wiring: Wiring) -> Rows:
    engine: Engine = wiring.engine(pool_size=1, statement_timeout_s=60.0)
    try:
        with engine.connect() as connection:
            found = {name: connection.execute(text(_DIGEST.format(name))).one() for name in READ_MODELS}
    finally:
        engine.dispose()
    return {name: (row[0], str(row[1])) for name, row in found.items()}


def _compare(before: Rows, after: Rows) -> None:
    differing = [
        f"{name}: {before[name]} before, {after[name]} after"
        for name in before
        if before[name] != after[name]
    ]
    if differing:
        raise CellFailedError(
            f"views filled in empty servers: found {'; '.join(differing)}, wanted the same rows"
        )


_STANDS = text(
    "SELECT w.machine, w.partition, w.next_request, w.next_offset, p.next_offset AS shown FROM decider.watermark w "
    "LEFT JOIN projection.position p USING (machine, partition)"
)
_WORKING_NOW = text(
    "SELECT DISTINCT application_name FROM pg_stat_activity WHERE application_name IN "
    "('meridian-consumers', 'meridian-worker', 'meridian-intake', 'meridian-timers')"
)
_DIGEST = (
    "SELECT count(*), sum(hashtextextended((to_jsonb(t) - 'ledger_offset')::text, 0)) FROM projection.{} t"
)

CELLS = (
    Cell(
        "operations.restore_drill",
        "operations",
        _restore_drill,
        ("decider", "projector", "consumers", "worker", "timers", "kafka", "postgres", "ledger", "views"),
        alone=True,
        heal_within_s=120.0,
    ),
)
