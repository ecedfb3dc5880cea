"""Cells of the matrix's row "worker": it dies, its store misbehaves, its lease is lost, its reader is killed."""

import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random

import psutil
from sqlalchemy import text

from service.faults.arena import Arena
from service.faults.aside import patiently
from service.faults.cell import Cell, CellFailedError, NotFiredError, Steps
from service.faults.one_shot import carry_out
from service.faults.own_streams import TROUBLES, load_of
from service.faults.real_files import STREAM
from service.faults.s3_faults import S3Fault, Spoil
from service.faults.servers import family

__all__ = ["CELLS"]

ROW = "worker"
POINTS = ("after_lease", "mid_upload", "between_parts", "after_put", "after_report")
PUT = frozenset({"PUT"})
ANY = frozenset({"PUT", "POST", "HEAD", "GET"})
_LEASE_S = 15.0  # Pace.lease_s
_FIRE_S = 30.0
_LARGE_FIRE_S = 60.0  # one file has to be announced, wait for its turn, and be read whole before
_TOLD_S = 20.0  # a projector may be busy with another fault

Inject = Callable[[Arena, Random], Steps]


def _dies(point: str, arena: Arena, dice: Random) -> Steps:
    yield from _hit(point, "kill", arena, dice)


def _raises(point: str, arena: Arena, dice: Random) -> Steps:
    yield from _hit(point, "exception", arena, dice)
    if point in {"mid_upload", "between_parts", "after_put"}:
        yield from _tried_again(arena)


def _tried_again(arena: Arena) -> Steps:
    """What our own code failed waits for a person, who mends the code and has it tried again.

    In the middle of an upload the store's client may take the exception for the store's: that is tried by itself.
    """
    try:
        yield from patiently(partial(_look_for_ours, arena), what="ours", errors=TROUBLES, within_s=_TOLD_S)
    except CellFailedError:
        return
    which = ("--state", "ERROR", "--code", "EFFECT_BUG", "--stream", STREAM)
    yield from carry_out(arena, "file", "retry", *which, "--reason", "the code is mended", "--yes")


def _look_for_ours(arena: Arena) -> None:
    engine = arena.wiring.engine(pool_size=1, statement_timeout_s=5.0)
    try:
        with engine.connect() as connection:
            if not connection.execute(_OURS, {"stream": STREAM}).scalar_one():
                raise TimeoutError("nothing that our code failed")
    finally:
        engine.dispose()


_OURS = text(
    "SELECT EXISTS (SELECT FROM v1.file WHERE stream = :stream AND state = 'ERROR' AND code = 'EFFECT_BUG')"
)


def _hit(point: str, action: str, arena: Arena, dice: Random) -> Steps:
    """At the first or second time, in whichever worker comes by: the consumers have one too.

    A file that goes in two parts is asked for where it takes one.
    """
    within_s = _FIRE_S
    if point == "between_parts":
        load_of(arena).send_large()
        within_s = _LARGE_FIRE_S
    orders = f"worker.{point}:{action}:{dice.randint(1, 2)}"
    yield from arena.hit("worker", orders, also=("consumers",), within_s=within_s)


def _store(make: Callable[[Random], S3Fault], arena: Arena, dice: Random) -> Steps:
    """The store misbehaves towards some requests, and is itself again when all of them have come by."""
    proxy, fault = arena.s3_proxy, make(dice)
    before = proxy.spoiled
    proxy.arm(fault)
    try:
        yield from arena.until(
            lambda: proxy.spoiled > before,
            within_s=_FIRE_S,
            what="a request to the store",
            fails=NotFiredError,
        )
        # With the breaker open only probes come: some of the faults may never be met.
        limit = _FIRE_S / 2 + fault.wait_s
        with suppress(NotFiredError):
            yield from arena.until(
                lambda: proxy.spoiled >= before + fault.times, within_s=limit, what="", fails=NotFiredError
            )
    finally:
        proxy.heal()


def _store_away(how: str, arena: Arena, dice: Random) -> Steps:
    server = arena.servers["s3"]
    try:
        getattr(server, how)()
        yield from arena.pause(dice.uniform(1.0, 8.0))
    finally:
        server.thaw()
    yield from arena.restarted("s3")


def _store_unreachable(arena: Arena, dice: Random) -> Steps:
    arena.s3_proxy.refuse()
    try:
        yield from arena.pause(dice.uniform(1.0, 8.0))
    finally:
        arena.s3_proxy.heal()


def _frozen_past_its_lease(arena: Arena, dice: Random) -> Steps:
    """The worker sleeps through its leases and wakes with work in its hands that is not its own any more."""
    point = dice.choice([each for each in POINTS if each != "between_parts"])
    yield from arena.hit("worker", f"worker.{point}:stop:1")
    yield from arena.until(
        lambda: arena.stopped("worker") is not None, within_s=5, what="a frozen worker", fails=NotFiredError
    )
    worker = arena.stopped("worker")
    try:
        yield from _take_leases(arena)
        yield from arena.pause(_LEASE_S + dice.uniform(1.0, 3.0))
    finally:
        if worker is not None:
            worker.thaw()


def _lease_lost(arena: Arena, dice: Random) -> Steps:
    """Another one takes the work over and dies, while the first is still at it, and finishes late."""
    proxy = arena.s3_proxy
    before = proxy.spoiled
    proxy.arm(S3Fault(Spoil.SLOW, methods=PUT, times=3, wait_s=dice.uniform(5.0, 8.0)))
    try:
        yield from arena.until(
            lambda: proxy.spoiled > before, within_s=_FIRE_S, what="an upload", fails=NotFiredError
        )
        yield from _take_leases(arena)
        yield from arena.pause(9.0)
    finally:
        proxy.heal()


def _take_leases(arena: Arena) -> Steps:
    """All leases now belong to somebody who is gone, under the next epoch."""

    def take() -> int:
        engine = arena.wiring.engine(pool_size=1, statement_timeout_s=5.0)
        try:
            with engine.begin() as connection:
                return connection.execute(_TAKE).rowcount
        finally:
            engine.dispose()

    taken = yield from patiently(take, what="the leases taken", errors=TROUBLES)
    if not taken:
        raise NotFiredError("no work was under lease")


_TAKE = text(
    "UPDATE work.item SET lease_owner = 'a worker that is gone', lease_epoch = lease_epoch + 1, "
    "lease_until = clock_timestamp() WHERE state = 'leased' AND lane = 'steps'"
)


def _reader_killed(arena: Arena, dice: Random) -> Steps:
    """The process that reads files is killed, as the kernel does when memory runs out; files under way with it."""
    reader = _reader(arena)
    yield from arena.pause(dice.uniform(0.0, 1.0))
    with suppress(psutil.NoSuchProcess):
        reader.send_signal(signal.SIGKILL)
    yield from arena.until(lambda: _has_ended(reader), within_s=15, what="the reader's end")


def _has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _reader_starved(arena: Arena, dice: Random) -> Steps:
    """No file can be read, since its child has no memory: that is not the files' fault."""
    reader = _reader(arena)
    try:
        room = reader.memory_info().vms + (1 << 20)
        reader.rlimit(psutil.RLIMIT_AS, (room, room))
        yield from arena.pause(dice.uniform(3.0, 6.0))
        # A limit can't be raised again from outside, so another reader is to take its place.
        reader.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return  # it died of it
    except psutil.AccessDenied as error:
        raise NotFiredError(f"the reader's memory can't be limited from outside: {error}") from error


def _reader(arena: Arena) -> psutil.Process:
    pid = arena.roles["worker"].pid
    for process in family(pid) if pid is not None else []:
        with suppress(psutil.NoSuchProcess):
            if any("child_server" in word for word in process.cmdline()):
                return process
    raise NotFiredError("the worker has no reader yet")


def _refusal(status: int, code: str, *, at_most: int = 6, methods: frozenset[str] = PUT) -> Inject:
    def make(dice: Random) -> S3Fault:
        times = dice.randint(1, at_most)
        return S3Fault(Spoil.REFUSE, methods=methods, times=times, status=status, code=code)

    return partial(_store, make)


def _spoiled(spoil: Spoil, *, at_most: int = 4, methods: frozenset[str] = PUT, wait_s: float = 0.0) -> Inject:
    def make(dice: Random) -> S3Fault:
        return S3Fault(
            spoil, methods=methods, times=dice.randint(1, at_most), wait_s=dice.uniform(0.2, 1.0) * wait_s
        )

    return partial(_store, make)


def _cell(name: str, inject: Inject, *more: str, **limits: float) -> Cell:
    disturbs = ("worker", *more)
    return Cell(name=f"worker.{name}", row=ROW, inject=inject, disturbs=disturbs, **limits)  # type: ignore[arg-type]


CELLS = (
    *(_cell(f"{point}.kill", partial(_dies, point)) for point in POINTS),
    *(_cell(f"{point}.exception", partial(_raises, point)) for point in POINTS),
    _cell("s3_500", _refusal(500, "InternalError"), "s3"),
    _cell("s3_503_slow_down", _refusal(503, "SlowDown", methods=ANY), "s3"),
    _cell("s3_412", _refusal(412, "PreconditionFailed"), "s3"),
    _cell("s3_409", _refusal(409, "ConditionalRequestConflict"), "s3"),
    _cell("s3_slow", _spoiled(Spoil.SLOW, methods=ANY, wait_s=8.0), "s3"),
    _cell("s3_upload_cut", _spoiled(Spoil.RESET_UPLOAD), "s3"),
    _cell("s3_answer_lost", _spoiled(Spoil.LOSE_ANSWER, methods=frozenset({"PUT", "POST"})), "s3"),
    _cell("s3_refused", _store_unreachable, "s3"),
    _cell("s3_killed", partial(_store_away, "kill"), "s3"),
    _cell("s3_frozen", partial(_store_away, "freeze"), "s3"),
    _cell("frozen_past_its_lease", _frozen_past_its_lease),
    _cell("lease_lost_then_late_finish", _lease_lost, "s3"),
    _cell("reader_killed", _reader_killed),
    _cell("reader_out_of_memory", _reader_starved),
)
