"""Cells of the row "delivery, clock": told twice, in another order, from the first on, by a clock that is wrong."""

from collections.abc import Callable, Generator
from functools import partial
from random import Random
from typing import TypeVar

from consumers.intake_watch import group_of
from events.clock import SHIFT
from events.log import Log, Message, Place, TransactionalWriter
from events.topics import MACHINES
from service.faults.arena import Arena
from service.faults.aside import patiently
from service.faults.cell import Cell, Steps
from service.faults.own_streams import SENDER, TROUBLES, mark_of, with_streams
from service.faults.real_files import SENDER as NIGHT

__all__ = ["CELLS"]

ROW = "delivery, clock"
_HOUR_S = 3600
_READ_S = 5.0

Records = list[Message]
T = TypeVar("T")


def _told_twice(arena: Arena, dice: Random) -> Steps:
    """The last requests of one machine, and the last messages of an inbox, once more as they were."""
    topics = arena.wiring.topics
    for name in (topics.requests(dice.choice(("file", "file", "stream"))), topics.inbox(NIGHT)):
        found = yield from _last(arena, [name], each=dice.randint(5, 60))
        yield from _send(arena, found)


def _in_another_order(arena: Arena, dice: Random) -> Steps:
    """The last of all topics that anybody may write, once more, shuffled across topics and within them."""
    topics = arena.wiring.topics
    found = yield from _last(
        arena, [topics.inbox(NIGHT), *(topics.requests(machine) for machine in MACHINES)], each=40
    )
    dice.shuffle(found)
    yield from _send(arena, found)


def _from_the_first_on(arena: Arena, _dice: Random) -> Steps:
    """Intake forgets how far it was, and reads every inbox again."""
    yield from with_streams(arena)
    consumers, topics = arena.roles["consumers"], arena.wiring.topics
    group = group_of(arena.wiring.settings.site)

    def forget(logs: Log) -> None:
        counts = logs.partitions([topics.inbox(NIGHT), topics.inbox(SENDER)])
        places = [Place(name, number) for name, count in counts.items() for number in range(count)]
        writer = logs.transactional(f"{group}.from-the-first-on")
        try:
            writer.begin()
            writer.commit(dict.fromkeys(places, 0), group=group)
        finally:
            writer.close()

    consumers.hold_down()
    try:
        # Its child hears of the end soon; while the group has a member, nobody else may say where it stands.
        yield from _with_log(arena, forget, what="offsets of the inboxes back at 0")
    finally:
        consumers.release()


def _aborted(arena: Arena, dice: Random) -> Steps:
    """Records that were never committed, on the ledger and before it: nobody may act on them."""
    subject = f"synthetic/aborted-{mark_of(dice)}"
    topics, partitions = arena.wiring.topics, arena.settings.partitions["file"]
    many = dice.randint(1, 20)

    def write(writer: TransactionalWriter) -> None:
        sent = [
            writer.send(
                name,
                key=subject.encode(),
                value=f'{{"aborted": "{subject}", "number": {number}}}'.encode(),
                partition=number % partitions,
            )
            for number in range(many)
            for name in (topics.requests("file"), topics.events("file"))
        ]
        for each in sent:
            each.result(_READ_S)  # they lie on the log, or there would be nothing to abort
        writer.abort()

    yield from _in_transaction(arena, write)


def _empty(arena: Arena, dice: Random) -> Steps:
    """Transactions with nothing in them but offsets of a group that nobody reads by."""
    requests = Place(arena.wiring.topics.requests("file"), 0)

    def write(writer: TransactionalWriter) -> None:
        writer.commit({requests: 0}, group="faults.nobody")

    for _ in range(dice.randint(1, 5)):
        yield from _in_transaction(arena, write)


def _left_open(arena: Arena, dice: Random) -> Steps:
    """A writer dies with records on the ledger and no end: readers wait for it, until its successor fences it."""
    place = Place(arena.wiring.topics.events("file"), dice.randrange(arena.settings.partitions["file"]))
    identifier = f"faults.left-open.{mark_of(dice)}"

    def leave(logs: Log) -> None:
        writer = logs.transactional(identifier)
        writer.begin()
        writer.send(place.topic, key=b"nobody", value=b"{}", partition=place.partition).result(_READ_S)
        writer.close()  # as a process that is gone: without a word to the broker about its transaction

    yield from _with_log(arena, leave, what="a transaction left open")
    yield from arena.pause(dice.uniform(1.0, 6.0))
    # Whoever comes by that name closes what was left.
    yield from _with_log(
        arena, lambda logs: logs.transactional(identifier).close(), what="the transaction closed"
    )


# --- the clock


def _wrong_clock(role: str, sign: int, arena: Arena, dice: Random) -> Steps:
    """A role works for a while by a clock that is an hour off, and then by the right one again."""
    processes = arena.of(role)
    try:
        for process in processes:
            process.extra[SHIFT] = str(sign * _HOUR_S)
            process.kill()
        yield from arena.pause(dice.uniform(8.0, 14.0))
    finally:
        for process in processes:
            process.extra.pop(SHIFT, None)
            process.kill()


# --- how


def _last(arena: Arena, names: list[str], *, each: int) -> Generator[None, None, Records]:
    """The last records of each partition of these topics."""

    def read(logs: Log) -> Records:
        reader = logs.reader(committed=True)
        try:
            counts = logs.partitions(names)
            places = [Place(name, number) for name, count in counts.items() for number in range(count)]
            reader.assign({place: max(reader.beginning(place), reader.end(place) - each) for place in places})
            found: Records = []
            while polled := reader.poll(at_most=each * len(places), timeout_s=1.0):
                found += [message for messages in polled.values() for message in messages]
                if len(found) >= each * len(places):
                    break
            return found
        finally:
            reader.close()

    return (yield from _with_log(arena, read, what="the last records"))


def _send(arena: Arena, records: Records) -> Steps:
    """Each to where it lay, as it was."""

    def send(logs: Log) -> None:
        writer = logs.writer()
        try:
            for each in records:
                writer.send(
                    each.topic, key=each.key, value=each.value, partition=each.partition, headers=each.headers
                )
            writer.flush(_READ_S)
        finally:
            writer.close()

    yield from _with_log(arena, send, what="records sent again")


def _in_transaction(arena: Arena, write: Callable[[TransactionalWriter], None]) -> Steps:
    def run(logs: Log) -> None:
        writer = logs.transactional("faults.meddler")
        try:
            writer.begin()
            write(writer)
        finally:
            writer.close()

    yield from _with_log(arena, run, what="a transaction of the harness's own")


def _with_log(arena: Arena, work: Callable[[Log], T], *, what: str) -> Generator[None, None, T]:
    def run() -> T:
        logs = arena.wiring.log()
        try:
            return work(logs)
        finally:
            logs.close()

    return (yield from patiently(run, what=what, errors=TROUBLES))


def _cell(name: str, inject: Callable[[Arena, Random], Steps], *disturbs: str) -> Cell:
    return Cell(name, ROW, inject, disturbs)


CELLS = (
    _cell("delivery.told_twice", _told_twice),
    _cell("delivery.in_another_order", _in_another_order),
    _cell("delivery.from_the_first_on", _from_the_first_on, "consumers"),
    _cell("delivery.aborted_transactions", _aborted),
    _cell("delivery.empty_transactions", _empty),
    _cell("delivery.transaction_left_open", _left_open, "ledger"),
    *(
        _cell(f"clock.{role}_{way}", partial(_wrong_clock, role, sign), role)
        for role in ("decider", "worker", "consumers", "timers")
        for way, sign in (("fast", 1), ("slow", -1))
    ),
)
