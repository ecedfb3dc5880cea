"""What the bench measures: the floor writes what the projector writes, and a figure is its median over the floor's."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import islice

import orjson
import pytest
from sqlalchemy import text

from events.envelope import decode_record
from events.log import Place
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import Topics
from machines import MACHINES
from machines.desk import Desk
from projectors import PROJECTIONS
from projectors.database import make_engine
from projectors.ledger import ledger
from projectors.projection import Appended
from service.bench.audit_floor import shares
from service.bench.audited import is_clean
from service.bench.awaiting import pause_s
from service.bench.figure import Figure, Floor
from service.bench.latency import _percentile
from service.bench.project import project, project_one_table
from service.bench.project_floor import SCHEMA, project_floor
from service.bench.throughput import PROJECT, _figure, audit_figure, cost_of_safety
from service.bench.unsafe import Forgetful, decide_unsafely
from service.bench.workload import lives
from service.decider.batch import BatchDecider, Owner
from service.peak_memory import peak_rss_mb
from tests.projectors.histories import TOPICS, on_log, random_histories


def test_a_figure_is_its_median_over_the_median_of_its_floor():
    figure = Figure(
        "x", "1/s", (30.0, 10.0, 20.0), "floor", (40.0, 100.0, 50.0), {}, each=({"load_before": 0.1},)
    )
    told = json.loads(json.dumps(figure.as_json()))
    assert (told["min"], told["median"], told["max"], told["ratio"]) == (10, 20, 30, 0.4)
    assert told["floor"] == {"what": "floor", "min": 40, "median": 50, "max": 100}
    assert told["each"] == [{"load_before": 0.1}]


@pytest.mark.parametrize(("p", "expected"), [(50, 150_000.0), (99, 297_000.0)])
def test_a_percentile_is_a_value_that_was_seen_in_milliseconds(p, expected):
    assert _percentile([float(each) for each in range(300, 0, -1)], p) == expected


def test_looks_are_few_while_the_end_is_far_and_as_dense_as_wanted_near_it():
    far, nearer, near, nothing_yet = (
        pause_s(found, 10_000, waited_s, look_s=0.1)
        for found, waited_s in ((1000, 1.0), (9000, 9.0), (9990, 9.9), (0, 5.0))
    )
    assert (far, nearer, near, nothing_yet) == (0.5, 0.25, 0.1, 0.1)


def test_the_workload_is_the_same_for_a_seed_and_another_for_another():
    one, again, other = (list(islice(lives(40, seed=seed), 150)) for seed in (1, 1, 2))
    assert one == again != other
    asked = [orjson.loads(value) for _, value in lives(2000, seed=1)]
    ids = [each["id"] for each in asked]
    assert 0.005 < 1 - len(set(ids)) / len(ids) < 0.02
    assert 0.03 < sum(each["type"] == "file.retry" for each in asked) / len(asked) < 0.07


def test_the_rate_of_an_audit_stands_beside_the_goal_with_the_memory_it_took():
    audits = [
        {
            "records": 300_000,
            "seconds": 4.0,
            "partitions_s": 3.0,
            "cpu_us": 20,
            "rss_mb": 90,
            "rss_all_mb": 250,
        },
        {
            "records": 100_000,
            "seconds": 4.0,
            "partitions_s": 3.5,
            "cpu_us": 21,
            "rss_mb": 70,
            "rss_all_mb": 200,
        },
    ]
    floors = [
        {"rate": 100_000.0, "seconds": 3.0, "cpu_us": 6},
        {"rate": 300_000.0, "seconds": 1.0, "cpu_us": 7},
    ]
    figure = audit_figure(audits, floors)
    told = json.loads(json.dumps(figure.as_json()))
    assert (told["min"], told["max"], told["ratio"]) == (25_000, 75_000, 0.25)
    assert [each["rss_all_mb"] for each in told["each"]] == [250, 200]
    assert [each["cpu_us"] for each in told["floor"]["each"]] == [6, 7]
    assert told["notes"]["records"] == [300_000, 100_000]
    assert told["notes"]["rss_mb"] == 90
    assert "goal a second 50000" in figure.line()


def test_ledgers_and_requests_are_shared_out_so_that_each_process_has_the_partitions_of_one():
    ranges = [
        (topic, number, 0, 9, topic == "s.file.events")
        for topic in ("s.file.events", "s.file.requests")
        for number in range(4)
    ]
    one, other = shares(ranges, 2)
    assert [each[1] for each in one] == [0, 2, 0, 2]
    assert sorted(one + other) == sorted(ranges)


def test_a_figure_tells_the_most_memory_of_its_runs_beside_the_goal():
    runs = [
        {what: {"rate": 1.0, "cpu_us": 1.0, "rss_mb": rss} for what in ("project", "project-floor")}
        for rss in (170, 190, 180)
    ]
    told = json.loads(json.dumps(_figure(runs, PROJECT).as_json()))
    assert (told["notes"]["rss_mb"], told["notes"]["goal_rss_mb_below"]) == (190, 250)
    assert [each["rss_mb"] for each in told["each"]] == [170, 190, 180]


def test_memory_at_its_most_is_that_of_this_program_alone():
    """A small program that a large one starts says its own; in MB of 10^6 bytes."""
    held = b"x" * 300_000_000
    code = "from service.peak_memory import peak_rss_mb as p; a = p(); b = b'x' * 50_000_000; print(a, p())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    bare, more = map(int, done.stdout.split())
    assert 5 < bare < 60
    assert 45 <= more - bare <= 60
    assert peak_rss_mb() * 1_000_000 > len(held)


def test_a_run_is_clean_only_with_every_counter_of_every_audit_at_zero():
    assert is_clean([{"counters": {"lost": 0, "stuck": 0}}, {"counters": {"lost": 0}}])
    assert not is_clean([{"counters": {"lost": 0}}, {"counters": {"lost": 0, "stuck": 1}}])


def test_the_floor_of_projecting_copies_the_rows_that_projecting_leaves(postgres):
    """A merged row is in the floor's table in each of its states; every other table is the same in both."""
    engine = make_engine(postgres, "test", pool_size=10)
    sealed = random_histories(5)
    records = sum(machine == "file" for machine, _, _ in sealed)
    log = on_log(sealed)
    project_floor(log, engine, TOPICS, records=records)
    found = project(log, engine, TOPICS, records=records)
    assert found["rate"] > 0
    with engine.connect() as connection:
        for table in (ledger, *(each.table for each in PROJECTIONS)):
            ours, floors = (
                set(connection.scalars(text(f"SELECT t::text FROM {schema}.{table.name} t")))
                for schema in ("projection", SCHEMA)
            )
            if table is ledger or any(
                isinstance(each, Appended) and each.table is table for each in PROJECTIONS
            ):
                assert ours == floors, table.name
            else:
                assert ours <= floors, table.name
        assert connection.scalar(text("SELECT count(*) FROM projection.ledger")) == records
    project_one_table(log, engine, TOPICS, records=records)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM projection.ledger")) == 0
        assert connection.scalar(text("SELECT count(*) FROM projection.file_version")) > 0
    engine.dispose()


def test_what_safety_costs_is_the_difference_of_the_medians_and_its_share_of_the_whole():
    runs = [
        {"decide": {"cpu_us": whole}, "decide-unsafely": {"cpu_us": bare}}
        for whole, bare in ((100.0, 80.0), (160.0, 60.0), (120.0, 90.0))
    ]
    figure = cost_of_safety(runs)
    assert (figure.runs, figure.floor_runs) == ((100.0, 160.0, 120.0), (80.0, 60.0, 90.0))
    assert (figure.notes["safety_us"], figure.notes["safety_share"]) == (40.0, 0.333)
    assert figure.line().endswith(
        "120 µs; " + figure.floor_name + ": 80; ratio 1.5; safety us 40; safety share 0.333"
    )


def test_a_line_for_people_tells_medians_ratio_and_goal():
    figure = Figure(
        "x", "1/s", (30_000.0, 10_000.0, 20_000.0), "y", (400.0,), {"goal_at_least": 10.0, "other": 1}
    )
    assert figure.line() == "x: 20,000 a second; y: 400; ratio 50; goal at least 10"


def test_a_stricter_floor_is_told_beside_the_one_of_the_goal_and_taken_for_none():
    plain = Figure("x", "s", (18.0,), "plain", (12.0,), {"goal_at_most": 1.5})
    both = replace(plain, stricter=Floor("tuned", (9.0, 10.0, 11.0)))
    assert both.ratio == plain.ratio == 1.5
    assert both.line() == f"{plain.line()}; tuned: 10; ratio to that 1.8"
    told = both.as_json()
    stricter = told.pop("stricter_floor")
    assert stricter == {"what": "tuned", "min": 9, "median": 10, "max": 11, "ratio": 1.8}
    assert told == plain.as_json()


def test_what_is_decided_without_safety_is_the_same_but_for_the_chain():
    """Else the difference would be the cost of something else, too."""
    asked, log, topics = list(lives(60, seed=3)), MemoryLog(), Topics("bench")
    log.ensure(topic_specs(topics, {"file": 1}, ()))
    writer = log.writer()
    for subject, value in asked:
        writer.send(topics.requests("file"), key=subject.encode(), value=value, partition=0)
    decide_unsafely(log, topics, requests=len(asked), partitions=1, batch=1000)
    found = _read(log, Topics("bench-unsafe").events("file"))
    desk = Desk(MACHINES["file"], site="bench")
    decider = BatchDecider(desk, Forgetful(), partition=0, partitions=1, subjects_kept=1000)
    wanted = decider.decide(_read(log, topics.requests("file")), Owner(1, "x"), "").answers
    assert len(found) == len(wanted) > 300
    for message, answer in zip(found, wanted, strict=True):
        record, right = decode_record(message.value), decode_record(answer.value)
        assert record.chain == "0" * 64 != right.chain
        for name in ("id", "type", "subject", "sequence", "tostate", "requestdigest", "data"):
            assert getattr(record, name) == getattr(right, name)


def _read(log, topic):
    reader = log.reader()
    reader.assign({Place(topic, 0): 0})
    return reader.poll(at_most=10_000, timeout_s=0)[Place(topic, 0)]
