"""What is known of observing programs, in the simulation's database and in PostgreSQL: the same answers and tables."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

import tests.simulation.sql_programs
import tests.simulation.sql_work  # noqa: F401  # what statements mean
from consumers import dispatch, known_programs
from consumers.homes import Homes
from events.envelope import Record, decode_record
from events.upcast import upcast
from projectors.database import make_engine
from tests.projectors.histories import Desks
from tests.projectors.op_histories import op_histories
from tests.simulation.database import Database
from tests.simulation.scheduler import Scheduler
from tests.simulation.test_database_is_postgresql import Side, assert_same_tables, on_servers, real

BEGIN = datetime(2026, 11, 21, 5, tzinfo=UTC)
TABLES: dict[str, tuple[str, ...]] = {
    "work.program_dataset": ("subject", "dataset"),
    "work.program_part": ("subject", "part"),
    "work.item": ("event_id", "effect"),
}

Orders = list[tuple[Any, ...]]


@dataclass
class Both:
    """One of the two databases with the policies that are read from it, and the records that wait for it."""

    side: Side
    homes: Homes
    waiting: list[Record]


@pytest.fixture
def engine(postgres: str) -> Iterator[Engine]:
    engine = make_engine(postgres, "contract", pool_size=5)
    yield engine
    engine.dispose()


def simulated(waiting: list[Record]) -> Both:
    database = Database(Scheduler(), lambda: datetime.now(UTC))
    return Both(Side(database.begin, database.rows), Homes(database), waiting)  # type: ignore[arg-type]


def records(seed: int) -> list[Record]:
    """Lives of observing programs, and streams of which some are at home to their policies, now and then."""
    desks = Desks(asked=1000)
    for number in range(6):
        told: dict[str, Any] = {"stream": f"s{seed // 7**number % 3}", "title": f"{number}"}
        if seed // 2**number % 2:
            told["programs"] = {"lease_days": 1 + number}
        desks.ask("stream", told["stream"], "configure", {"configuration": told})
    lives = op_histories(seed, length=8)[0]
    mixed = [each for pair in zip(desks.sealed, lives, strict=False) for each in pair]
    return [
        upcast(decode_record(value, partition=0, offset=offset))
        for offset, (_, _, value) in enumerate([*mixed, *lives[len(desks.sealed) :]])
    ]


# --- orders ---


def _dispatch(both: Both, connection: Any, count: int) -> Any:
    taken = [both.waiting.pop(0) for _ in range(min(count, len(both.waiting)))]
    dispatch.apply(connection, [(record, b"") for record in taken])
    return len(taken)


def _datasets(_both: Both, connection: Any, rows: list[tuple[str, str, str, bool, int]]) -> Any:
    names = ("subject", "dataset", "program", "is_gone", "sequence")
    kept = [dict(zip(names, row, strict=True)) for row in rows]
    told = [
        {name: row[name] for name in ("dataset", "program")}
        | {"instrument": "VISP", "digest": f"{row['sequence']:032x}"}
        for row in kept
    ]
    known_programs.keep_datasets(connection, [{**row, "told": t} for row, t in zip(kept, told, strict=True)])


def _parts(_both: Both, connection: Any, rows: list[tuple[str, str, dict[str, Any], int, str | None]]) -> Any:
    names = ("subject", "part", "known", "sequence", "owes_effect")
    kept = [dict(zip(names, row, strict=True)) for row in rows]
    known_programs.keep_parts(connection, [{**row, "owes_since": None} for row in kept])


def _pass(_both: Both, connection: Any, subject: str, part: str, sequence: int) -> Any:
    at = BEGIN + timedelta(seconds=sequence)
    return known_programs.pass_parts(connection, [(subject, part, sequence, at)])


def _told(both: Both, connection: Any, subject: str, part: str, at_most: int) -> Any:
    program = part.partition(":")[2]
    return (
        known_programs.datasets_of(connection, [(subject, program), ("op-1", "p1"), ("nobody", "p1")]),
        known_programs.names_of(connection, subject, program),
        known_programs.parts_of(connection, [(subject, part), ("op-2", "op"), ("nobody", "op")]),
        list(known_programs.programs_after(connection, (subject, part), at_most=at_most).items()),
        both.homes.now(),
    )


ORDERS: dict[str, Callable[..., Any]] = {
    "dispatch": _dispatch, "datasets": _datasets, "parts": _parts, "pass": _pass, "told": _told,
}  # fmt: skip

subjects, programs = st.sampled_from(["op-0", "op-1", "op-2"]), st.sampled_from(["p1", "p2", "PROGRAM"])
parts = st.sampled_from(["op", "attempt:1"]) | programs.map(lambda program: f"program:{program}")
sequences = st.integers(1, 60)
covers = st.builds(
    lambda count, told: {"now": {"cover": {"datasets": count}, "told": [{"a": told}, None]}},
    st.integers(0, 2), st.none() | st.text(max_size=3).filter(lambda word: word.isprintable()),
)  # fmt: skip
known = st.builds(
    lambda cover, more: {**cover, **more},
    covers,
    st.dictionaries(
        st.sampled_from(["a", "b"]), st.none() | st.integers(0, 3) | st.just({"x": None, "y": 1})
    ),
)
datasets = st.tuples(subjects, st.sampled_from(["D1", "D2", "D3"]), programs, st.booleans(), sequences)
part_rows = st.tuples(subjects, parts, known, sequences, st.none() | st.just("judge"))
orders = st.lists(
    st.one_of(
        st.tuples(st.just("dispatch"), st.integers(1, 40)),
        st.tuples(st.just("datasets"), st.lists(datasets, min_size=1, max_size=6)),
        st.tuples(st.just("parts"), st.lists(part_rows, min_size=1, max_size=6)),
        st.tuples(st.just("pass"), subjects, parts, sequences),
        st.tuples(st.just("told"), subjects, parts, st.integers(1, 3)),
    ),
    min_size=4,
    max_size=25,
)


@on_servers
@given(seed=st.integers(0, 10_000), orders=orders)
def test_what_is_known_of_programs_is_kept_and_told_alike(engine: Engine, seed: int, orders: Orders):
    one = Both(real(engine), Homes(engine), records(seed))
    other = simulated(records(seed))
    end = [("told", subject, part, 3) for subject in ("", "op-0", "op-2") for part in ("op", "program:p1")]
    for order in [("dispatch", 5), *orders, ("dispatch", 400), *end]:
        assert _obeyed(one, order) == _obeyed(other, order), order
    assert_same_tables(one.side, other.side, TABLES)


def _obeyed(both: Both, order: tuple[Any, ...]) -> Any:
    word, *more = order
    with both.side.begin() as connection:
        return ORDERS[word](both, connection, *more)
