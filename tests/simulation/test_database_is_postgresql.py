"""One contract for the simulation's database and for PostgreSQL: the same orders, the same answers, the same tables."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

import tests.simulation.sql_projection
import tests.simulation.sql_work  # noqa: F401  # what statements mean
from consumers import claims, deadlines, dispatch, work_items
from consumers.claims import WorkItem
from consumers.effects import LIGHT
from consumers.work_items import position as work_position
from events.envelope import Record, decode_record
from events.upcast import upcast
from projectors.database import make_engine, metadata
from projectors.halt import LostPositionError
from projectors.positions import Move, Positions, position
from projectors.projector import Projector
from tests.projectors.histories import Desks, arrived, random_histories
from tests.simulation.database import Database
from tests.simulation.scheduler import Scheduler

STREAM = "roman-wfi"
OWNERS = ("w1", "w2")
WORK = {
    "work.item": ("event_id", "effect"),
    "work.deadline": ("event_id",),
    "work.version": ("subject", "version"),
    "work.hold": ("subject",),
    "work.stream": ("stream",),
    "work.trust": ("stream",),
}
BY_THE_CLOCK = {"lease_until", "reported_at", "delivered_at", "applied_at", "since_at", "since", "at"}
"""Told by each side's own clock: compared only as far as there is a time or none."""

Orders = list[tuple[Any, ...]]


@dataclass
class Side:
    """One of the two databases, and the items that each owner has claimed there."""

    begin: Callable[[], AbstractContextManager[Any]]
    rows: Callable[[str], list[dict[str, Any]]]
    held: dict[str, list[WorkItem]] = field(default_factory=lambda: {owner: [] for owner in OWNERS})


def simulated() -> Side:
    database = Database(Scheduler(), lambda: datetime.now(UTC))
    return Side(database.begin, database.rows)


def real(engine: Engine) -> Side:
    def rows(table: str) -> list[dict[str, Any]]:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]

    with engine.begin() as connection:
        names = ", ".join(t.fullname for t in metadata.sorted_tables if t.schema in {"projection", "work"})
        connection.execute(text(f"TRUNCATE {names}, work.stream_configuration, decider.outcome"))
    return Side(engine.begin, rows)


@pytest.fixture
def engine(postgres: str) -> Iterator[Engine]:
    engine = make_engine(postgres, "contract", pool_size=5)
    yield engine
    engine.dispose()


# --- what is compared ---


def plain(value: Any) -> Any:
    """Ids, times and bytes as both sides can say them."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, memoryview):
        return bytes(value)
    return value


def _cell(name: str, value: Any) -> Any:
    if name in BY_THE_CLOCK:
        return value is not None
    return plain(value)


def table(side: Side, name: str, key: tuple[str, ...], columns: set[str]) -> dict[Any, dict[str, Any]]:
    found = {}
    for row in side.rows(name):
        cells = {column: _cell(column, value) for column, value in row.items() if column in columns}
        found[tuple(cells[column] for column in key)] = cells
    return found


def assert_same_tables(one: Side, other: Side, tables: dict[str, tuple[str, ...]]) -> None:
    """``one`` is PostgreSQL, whose columns all have to be there; one that the other leaves out has to be NULL."""
    for name, key in tables.items():
        columns = {column for row in one.rows(name) for column in row}
        found, wanted = table(one, name, key, columns), table(other, name, key, columns)
        assert found.keys() == wanted.keys(), name
        for where, row in found.items():
            meant = {column: wanted[where].get(column) for column in row}
            differ = {c: (row[c], meant[c]) for c in row if (row[c] or None) != (meant[c] or None)}
            assert not differ, f"{name} {where}: {differ}"


# --- work ---


def records(seed: int) -> list[Record]:
    """Files of a stream that is Enabled, in haste or not, large or not; and lives in which much goes wrong."""
    desks = Desks(asked=1000)  # later than all of the histories: nothing waits equally long
    told = {"stream": STREAM, "senders": ["soc"], "roots": ["s3://landing/"]}
    desks.ask("stream", STREAM, "configure", {"configuration": told})
    desks.ask("stream", STREAM, "start", {})
    desks.ask("stream", STREAM, "enable", {})
    dice = Random(seed)
    for number in range(8):
        told = {"work_class": dice.choice(["normal", "large"]), "priority": dice.choice(["live", "catch-up"])}
        sender = dice.choice(["soc", f"folder-{STREAM}"])
        desks.ask(
            "file", f"{STREAM}/k{number}", "arrive", arrived(None, witness=f"inbox.soc/1/{number}") | told,
            actor=sender,
        )  # fmt: skip
    histories = [each for each in random_histories(seed, length=80) if each[0] == "file"]
    return [
        upcast(decode_record(value, partition=0, offset=offset))
        for offset, (_, _, value) in enumerate([*desks.sealed, *histories])
    ]


def obey(side: Side, order: tuple[Any, ...], waiting: list[Record], at: datetime) -> Any:
    """One order in a transaction of its own; what was answered."""
    word, *more = order
    with side.begin() as connection:
        return ORDERS[word](side, connection, waiting, at, *more)


def _dispatch(_side: Side, connection: Any, waiting: list[Record], _at: datetime, count: int) -> Any:
    taken = [waiting.pop(0) for _ in range(min(count, len(waiting)))]
    dispatch.apply(connection, [(record, b"") for record in taken])
    return len(taken)


def _claim(
    side: Side, connection: Any, _w: Any, _at: datetime, owner: str, count: int, catch_up: int | None
) -> Any:
    """Steps, at most so many of them of catch-up; None: all the light work there is.

    What one fact obliges to waits equally long, and which of that comes first is left open: so it is put in order here,
    and none of it is left behind.
    """
    standing = claims.stand(connection)
    if catch_up is None:
        items = claims.claim_light(
            connection, standing, owner=owner, effects=LIGHT, at_most=1000, lease_s=30.0
        )
        items.sort(key=lambda item: item.key)
    else:
        items = claims.claim_steps(
            connection, standing, owner=owner, effects=("ingest", "transfer", "register"),
            places=claims.Places(count, large=1, catch_up=catch_up, behind=1, behind_alone=2), lease_s=30.0,
        )  # fmt: skip
    side.held[owner] += items
    return [{name: plain(value) for name, value in asdict(item).items()} for item in items]


def _with_one(
    act: Callable[[Any, WorkItem, datetime], Any],
) -> Callable[..., Any]:
    """An order about one of the items that the owner claimed, whether or not it is still under that lease."""

    def done(side: Side, connection: Any, _waiting: Any, at: datetime, owner: str, which: int) -> Any:
        held = side.held[owner]
        return act(connection, held[which % len(held)], at) if held else None

    return done


def _release(_side: Side, connection: Any, _waiting: Any, _at: datetime, owner: str) -> Any:
    return claims.release_owned(connection, owner)


def _due(_side: Side, connection: Any, _waiting: Any, _at: datetime, hours: int, deliver: bool) -> Any:
    at = datetime(2026, 11, 21, 5, 30, tzinfo=UTC) + timedelta(hours=hours)
    found = deadlines.due(connection, at=at)
    ids = [str(each.event_id) for each in found]
    # Of those for the same moment it is left open which comes first.
    return sorted(ids), deadlines.mark_delivered(connection, ids, at=at) if deliver else 0


def _soon(at: datetime, which: int) -> datetime:
    return at + timedelta(seconds=(-60, 90)[which % 2])


ORDERS: dict[str, Callable[..., Any]] = {
    "dispatch": _dispatch,
    "claim": _claim,
    "release": _release,
    "due": _due,
    "beat": _with_one(lambda c, item, _at: len(claims.heartbeat(c, [item], lease_s=30.0))),
    "mine": _with_one(lambda c, item, _at: len(claims.still_mine(c, [item]))),
    "report": _with_one(lambda c, item, _at: claims.mark_reported(c, [(item, b"report")])),
    "back": _with_one(lambda c, item, _at: claims.give_back(c, [item])),
    "finish": _with_one(lambda c, item, at: work_items.finish(c, [item.lease], at=at)),
    "park": _with_one(lambda c, item, _at: work_items.park(c, item.lease, code="X", reason="no")),
    "wait now": _with_one(lambda c, item, at: claims.wait(c, item, until=_soon(at, 0), code="X", error="e")),
    "wait": _with_one(lambda c, item, at: claims.wait(c, item, until=_soon(at, 1), code="X", error="e")),
}

owners, few = st.sampled_from(OWNERS), st.integers(0, 7)
orders = st.lists(
    st.one_of(
        st.tuples(st.just("dispatch"), st.integers(1, 25)),
        st.tuples(st.just("claim"), owners, st.integers(1, 6), st.none() | st.integers(0, 3)),
        st.tuples(st.just("release"), owners),
        st.tuples(st.just("due"), st.integers(0, 1), st.booleans()),
        st.tuples(
            st.sampled_from(sorted(ORDERS.keys() - {"dispatch", "claim", "release", "due"})), owners, few
        ),
    ),
    min_size=5,
    max_size=40,
)
on_servers = settings(
    max_examples=15,
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # shrinking on servers takes minutes; the orders are few
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@on_servers
@given(seed=st.integers(0, 10_000), orders=orders)
def test_work_is_claimed_and_ended_alike(engine: Engine, seed: int, orders: Orders):
    one, other, at = real(engine), simulated(), datetime.now(UTC)
    waiting, also = records(seed), records(seed)
    for order in [("dispatch", 3), *orders]:
        found, wanted = obey(one, order, waiting, at), obey(other, order, also, at)
        assert found == wanted, order
    assert_same_tables(one, other, WORK)


# --- views ---


@on_servers
@given(
    seed=st.integers(0, 10_000),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    repeat=st.none() | st.integers(0, 5),
)
def test_views_are_folded_alike(engine: Engine, seed: int, sizes: list[int], repeat: int | None):
    one, other = real(engine), simulated()
    told = [
        (upcast(decode_record(value, partition=0, offset=offset)), value)
        for offset, (_, _, value) in enumerate(random_histories(seed, length=120))
    ]
    batches = []
    for size in sizes:
        batches.append(told[:size])
        told = told[size:]
    if repeat is not None:
        batches.append(batches[repeat % len(batches)])
    said = [list(_projected(side, [batch for batch in batches if batch])) for side in (one, other)]
    assert said[0] == said[1]
    tables = {
        each.table.fullname: tuple(column.name for column in each.table.primary_key.columns)
        for each in Projector().models.projections
    }
    assert_same_tables(one, other, {**tables, "projection.ledger": ("machine", "partition", "ledger_offset")})


def _projected(side: Side, batches: list[Any]) -> Iterator[Any]:
    projector = Projector()
    for batch in batches:
        try:
            with side.begin() as connection:
                projector.reset(connection)
                projector.prepare_around(batch)(connection)
                subjects = sorted({record.subject for record, _ in batch})
                assert projector.last_sequences is not None
                yield projector.last_sequences(connection, "file", subjects)
        except IntegrityError:
            yield "refused"


# --- positions ---

moves = st.lists(
    st.tuples(
        st.sampled_from(["take over", "move", "read"]),
        st.integers(0, 1),
        st.integers(0, 4),
        st.integers(0, 4),
        st.integers(1, 3),
    ),
    max_size=20,
)


@on_servers
@given(moves=moves, is_work=st.booleans(), words=st.sampled_from([None, "SET LOCAL jit = off"]))
def test_positions_are_taken_over_and_moved_alike(
    engine: Engine, moves: Orders, is_work: bool, words: str | None
):
    one, other = real(engine), simulated()
    rows = work_position if is_work else position
    for order in moves:
        assert _positioned(one, rows, order, words) == _positioned(other, rows, order, words), order
    key = ("follower", "machine", "partition")
    assert_same_tables(one, other, {rows.fullname: key})


def _positioned(side: Side, rows: Any, order: tuple[Any, ...], words: str | None) -> Any:
    word, partition, found, wanted, epoch = order
    positions, keys = Positions(rows, "it"), {("file", partition): "topic"}
    try:
        with side.begin() as connection:
            if word == "take over":
                seats = positions.take_over(connection, keys)
                return {key: asdict(seat) for key, seat in seats.items()}
            if word == "read":
                return positions.read_again(connection, dict.fromkeys(keys, epoch))
            moved = Move("file", partition, found, wanted)
            positions.move(connection, [moved], dict.fromkeys(keys, epoch), words)
            return "moved"
    except LostPositionError:
        return "lost"
