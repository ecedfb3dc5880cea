"""Cells of the row "PostgreSQL": killed, its backends ended, its disk full, an old copy restored, positions ahead."""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random

import psycopg2
from sqlalchemy import text

from service.faults.arena import Arena
from service.faults.aside import aside, patiently
from service.faults.cell import Cell, CellFailedError, NotFiredError, Steps
from service.faults.one_shot import carry_out
from service.faults.own_streams import TROUBLES
from service.faults.register_copy import Register
from service.faults.tcp_proxy import AFTER_COMMIT, AT_COMMIT, Cut
from service.faults.tmpfs import Ballast, copy_folder, lay_over, take_away, why_not_here
from service.stack.postgres_server import PostgresServer

__all__ = ["CELLS"]

ROW = "PostgreSQL"
_PAGE_BYTES = 4096  # a file takes whole pages of memory
_HEADROOM_BYTES = 64 << 20
_FULL_S = 60.0


def _killed(arena: Arena, dice: Random) -> Steps:
    arena.servers["postgres"].kill()
    yield from arena.pause(dice.uniform(0.0, 4.0))
    yield from arena.restarted("postgres")


def _frozen(arena: Arena, dice: Random) -> Steps:
    arena.servers["postgres"].freeze()
    try:
        yield from arena.pause(dice.uniform(2.0, 12.0))
    finally:
        arena.servers["postgres"].thaw()


def _backends_ended(arena: Arena, dice: Random) -> Steps:
    """Every session but the one that says so is ended, some times in a row."""
    for _ in range(dice.randint(1, 4)):
        yield from _say(arena, _END_BACKENDS)
        yield from arena.pause(dice.uniform(0.2, 1.5))


def _cut(cut: Cut, arena: Arena, dice: Random) -> Steps:
    """A COMMIT of some role is lost on its way, or its answer is."""
    proxy = arena.postgres_proxies[dice.choice(("decider", "consumers", "worker", "timers"))]
    before = proxy.cuts_done
    proxy.arm(cut)
    try:
        yield from arena.until(
            lambda: proxy.cuts_done > before, within_s=30, what="a COMMIT to cut", fails=NotFiredError
        )
    finally:
        proxy.heal()


def _unreachable(how: str, arena: Arena, dice: Random) -> Steps:
    proxies = list(arena.postgres_proxies.values())
    try:
        for proxy in proxies:
            getattr(proxy, how)()
        yield from arena.pause(dice.uniform(2.0, 12.0))
    finally:
        for proxy in proxies:
            proxy.heal()


# --- its disk, and its past


def _disk_full(arena: Arena, _dice: Random) -> Steps:
    """Its data lies on a small disk, which fills up while all go on asking; then there is room again."""
    server, folder = arena.servers["postgres"], _data(arena)
    ballast = Ballast(folder)
    server.kill()
    try:
        yield from aside(partial(_move_to_small_disk, folder))
    except OSError as error:
        yield from arena.restarted("postgres")
        raise NotFiredError(f"its data can't be moved to a small disk: {error}") from error
    try:
        yield from arena.restarted("postgres")
        ballast.fill()
        # It may live on and refuse, or panic for want of room to write its journal.
        yield from _refused(arena)
        yield from arena.pause(3.0)
        ballast.drop()
        server.kill()
        yield from arena.restarted("postgres")
    finally:
        ballast.drop()
        server.kill()
        _move_back(folder)  # a second or two, and never left out
        server.start()  # also where something failed: other cells need it
    yield from arena.restarted("postgres")


def _refused(arena: Arena) -> Steps:
    """Yield until it takes no row any more."""

    def write() -> bool:
        engine = arena.wiring.engine(pool_size=1, statement_timeout_s=5.0)
        try:
            with engine.begin() as connection:
                connection.execute(_BULK)
        except TROUBLES:
            return True
        finally:
            engine.dispose()
        raise TimeoutError("it still has room")

    yield from patiently(write, what="PostgreSQL to refuse rows", errors=(TimeoutError,), within_s=_FULL_S)


def _old_copy(arena: Arena, dice: Random) -> Steps:
    """Its data is replaced by a copy some seconds old: what it has forgotten has to be read from the ledger again.

    The register of files is an outside table, which only lies in the same database here: it is kept as it is.
    """
    server, folder = arena.servers["postgres"], _data(arena)
    copy = folder.with_name("data.older")
    server.kill()
    try:
        yield from aside(partial(copy_folder, folder, copy))
    finally:
        server.start()
    yield from arena.restarted("postgres")
    yield from arena.pause(dice.uniform(5.0, 15.0))
    register = Register(arena.wiring.endpoints.database)
    proxies = list(arena.postgres_proxies.values())
    try:
        for proxy in proxies:
            proxy.refuse()
        yield from patiently(register.read, what="the register read", errors=(psycopg2.Error,))
        server.kill()
        shutil.rmtree(folder)
        copy.rename(folder)
        yield from arena.restarted("postgres")
        yield from patiently(register.write, what="the register written back", errors=(psycopg2.Error,))
    finally:
        for proxy in proxies:
            proxy.heal()


def _positions_ahead(follower: str, arena: Arena, dice: Random) -> Steps:
    """A follower is said to have read what is not there yet: it must halt, and go on after ``recover``."""
    values = {"p": dice.randrange(arena.settings.partitions["file"])}
    role = arena.of("projector" if follower == "projector" else "consumers")[0]
    role.hold_down()
    try:
        yield from _say(arena, _AHEAD[follower], values)
    finally:
        role.release()

    def is_halted() -> bool:
        return any(halt.startswith(f"{follower} all/-1 ") for halt in arena.watch.seen.halts)

    yield from arena.until(is_halted, within_s=45, what=f"the halt of {follower}")
    yield from carry_out(arena, "recover", "--apply", "--part", follower, "--reason", "a fault", "--yes")
    yield from arena.until(lambda: not is_halted(), within_s=30, what="the halt's end")


# --- how


def _data(arena: Arena) -> Path:
    server = arena.servers["postgres"].server
    if not isinstance(server, PostgresServer):
        raise CellFailedError(f"found {type(server).__name__}, wanted a PostgreSQL of the harness's own")
    return server.data


def _move_to_small_disk(folder: Path) -> None:
    kept = folder.with_name("data.disk")
    copy_folder(folder, kept)
    sizes = [each.stat() for each in kept.rglob("*") if each.is_file()]
    used = sum(max(each.st_blocks * 512, each.st_size) + _PAGE_BYTES for each in sizes)
    lay_over(folder, size_bytes=used + _HEADROOM_BYTES)
    try:
        copy_folder(kept, folder)
    except OSError:
        take_away(folder)  # what it was laid over is still there
        raise
    finally:
        shutil.rmtree(kept)


def _move_back(folder: Path) -> None:
    fresh = folder.with_name("data.back")
    copy_folder(folder, fresh)
    take_away(folder)
    shutil.rmtree(folder)
    fresh.rename(folder)


def _say(arena: Arena, statement: str, values: Mapping[str, object] | None = None) -> Steps:
    def say() -> None:
        engine = arena.wiring.engine(pool_size=1, statement_timeout_s=10.0)
        try:
            with engine.begin() as connection:
                connection.execute(text(statement), values or {})
        finally:
            engine.dispose()

    yield from patiently(say, what="PostgreSQL answering", errors=TROUBLES)


_END_BACKENDS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
_AHEAD = {
    "projector": "UPDATE projection.position SET next_offset = next_offset + 1000000 "
    "WHERE follower = 'projector' AND machine = 'file' AND partition = :p",
    "dispatch": "UPDATE work.position SET next_offset = next_offset + 1000000 "
    "WHERE follower = 'dispatch' AND machine = 'file' AND partition = :p",
}
_BULK = text(
    "CREATE TEMPORARY TABLE bulk ON COMMIT DROP AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)"
)


def _cell(name: str, inject: Callable[[Arena, Random], Steps]) -> Cell:
    return Cell(f"postgres.{name}", ROW, inject, ("postgres",))


CELLS = (
    _cell("kill", _killed),
    _cell("frozen", _frozen),
    _cell("backends_ended", _backends_ended),
    _cell("commit_lost", partial(_cut, AT_COMMIT)),
    _cell("answer_to_commit_lost", partial(_cut, AFTER_COMMIT)),
    _cell("unreachable", partial(_unreachable, "refuse")),
    _cell("silent", partial(_unreachable, "silence")),
    Cell("postgres.disk_full", ROW, _disk_full, ("postgres",), not_here=why_not_here, heal_within_s=90.0),
    Cell("postgres.old_copy", ROW, _old_copy, ("postgres", "ledger"), heal_within_s=90.0),
    Cell(
        "postgres.projector_ahead", ROW, partial(_positions_ahead, "projector"), ("postgres", "projector"),
        heal_within_s=120.0,
    ),
    Cell(
        "postgres.dispatch_ahead", ROW, partial(_positions_ahead, "dispatch"), ("postgres", "dispatch", "consumers"),
        heal_within_s=120.0,
    ),
)  # fmt: skip
