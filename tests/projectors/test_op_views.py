"""The views of observing programs and groups say what the machines say, however they were read."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from machines.op_state import OPEN, AttemptState
from tests.machines.given import SHA_A
from tests.machines.given_op import PUBLISHED, VISP, a_dataset, a_verdict, an_op
from tests.projectors.histories import Desks, Sealed, on_log
from tests.projectors.op_histories import a_group_life, op_histories
from tests.projectors.test_projector import contents, drain, erase, one


def shown(engine: Engine, query: str, **values: Any) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query), values).mappings()]


def read(following: Any, sealed: list[Sealed], **more: Any) -> None:
    follower = following(on_log(sealed), **more)
    follower.take_over()
    drain(follower)
    follower.close()


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), batch=st.integers(1, 40))
def test_rebuilt_rows_of_programs_and_groups_equal_live_rows_whatever_the_batches(
    engine, following, seed, batch
):
    sealed, _, _ = op_histories(seed)
    found = []
    for size in (batch, 2000):
        erase(engine)
        read(following, sealed, batch=size)
        found.append(contents(engine))
    assert found[0]["tainted"] == []
    assert len(found[0]["ledger"]) == len(sealed)
    assert found[0] == found[1]


@pytest.mark.parametrize("seed", range(4))
def test_the_views_say_of_every_program_what_its_machine_says(engine, following, seed):
    sealed, ops, _ = op_histories(seed, length=90)
    read(following, sealed)
    for name, op in ops.items():
        row = one(engine, "SELECT * FROM v1.op WHERE op = :op", op=name)
        assert (row["state"], row["is_held"], row["owner"]) == (op.state, op.is_held, op.owner)
        assert set(row["failures"] or {}) == set(op.failures)
        assert (row["code"] is None) == (not op.failures)
        assert row["attempts"] == op.attempts_begun
        assert row["datasets"] == sum(each.cover["datasets"] for each in op.programs.values())
        claimants = {each.claimant for each in op.attempts.values() if each.is_open}
        assert set((row["claimed_by"] or "").split(", ")) - {""} == claimants
        the_programs(engine, name, op)
        the_attempts(engine, name, op)


def the_programs(engine: Engine, name: str, op: Any) -> None:
    rows = {
        row["program"]: row for row in shown(engine, "SELECT * FROM v1.op_program WHERE op = :op", op=name)
    }
    assert set(rows) == set(op.programs)
    for program in op.programs.values():
        row = rows[program.name]
        assert (row["state"], row["is_ready"]) == (program.state, program.is_ready)
        assert (row["datasets"], row["cover"]) == (program.cover["datasets"], program.cover["digest"])
        assert row["expected_datasets"] == program.expected_datasets
        assert row["outcome"] == (program.verdict or {}).get("outcome")
        assert (row["staged_at"] is not None) == (program.staged is not None)
        assert (row["awaited_until"] is not None) == (program.awaited_sequence is not None)
        datasets = shown(
            engine,
            "SELECT * FROM v1.op_dataset WHERE op = :op AND program = :program AND NOT is_gone",
            op=name,
            program=program.name,
        )
        assert {each["dataset"]: each["digest"] for each in datasets} == {
            dataset: told[0] for dataset, told in program.names.items()
        }
        assert all(each["is_closed"] == program.is_ready for each in datasets)


def the_attempts(engine: Engine, name: str, op: Any) -> None:
    rows = {
        row["attempt"]: row for row in shown(engine, "SELECT * FROM v1.op_attempt WHERE op = :op", op=name)
    }
    assert len(rows) == op.attempts_begun
    for number, attempt in op.attempts.items():
        row = rows[number]
        assert (row["state"], row["program"], row["claimant"]) == (
            attempt.state,
            attempt.program,
            attempt.claimant,
        )
        assert (row["is_public"], row["rounds"]) == (attempt.is_public, attempt.round)
        assert (row["steps_done"] or []) == attempt.steps
        assert row["lease_until"].isoformat()[:19] == attempt.lease_until[:19]
        if attempt.state is AttemptState.PUBLISHED:
            assert row["is_embargoed"] == attempt.embargo["is_embargoed"]
    queued = {row["program"] for row in shown(engine, "SELECT * FROM v1.op_queue WHERE op = :op", op=name)}
    held = {each.program for each in op.attempts.values() if each.state in OPEN or each.is_public}
    free = {
        each.name for each in op.programs.values() if each.state == "Preprocessed" and each.cover["datasets"]
    }
    stopped = {part.removeprefix("program:") for part in op.failures}
    assert queued == (set() if op.is_held or "op" in op.failures else free - held - stopped)


@pytest.mark.parametrize("seed", range(3))
def test_the_view_says_of_every_group_what_its_machine_says(engine, following, seed):
    dice, desks = Random(seed), Desks()
    for _ in range(80):
        a_group_life(desks, dice, f"dkist/{dice.randint(1, 8)}")
    read(following, desks.sealed)
    groups = {name: each.state for (_, name), each in desks.subjects.items()}
    rows = {row["group_id"]: row for row in shown(engine, "SELECT * FROM v1.group")}
    known = {name: group for name, group in groups.items() if group.state.is_known}
    assert set(rows) == set(known)
    for name, group in known.items():
        row, counts = rows[name], group.counts().model_dump()
        assert (row["state"], row["stream"], row["is_due"]) == (group.state, "dkist", group.is_due)
        assert {member: row[member] for member in counts} == counts
        assert row["digest"] == f"{group.digest:032x}"
        assert row["instrument"] == group.parents.get("instrument")


def a_life(*steps: str) -> list[Sealed]:
    """One that was taken through these steps, as records on a log."""
    story = an_op(*steps)
    return [("op", story.subject, decision.value) for decision in story.decisions]


def test_a_published_program_is_shown_with_products_review_and_findings(engine, following):
    read(following, a_life(*PUBLISHED))
    attempt = one(engine, "SELECT * FROM v1.op_attempt")
    assert (attempt["state"], attempt["is_public"], attempt["review"]) == ("Published", True, "accept")
    assert attempt["outputs"][0]["sha256"] == SHA_A
    assert attempt["steps_done"] == ["package", "archive", "announce"]
    finding = one(engine, "SELECT * FROM v1.op_criterion")
    assert (finding["criterion"], finding["program"], finding["is_current"]) == ("health", VISP, True)
    assert (finding["value"], finding["threshold"], finding["margin"]) == (0.9, 0.75, 0.15)
    history = shown(engine, "SELECT type FROM v1.op_history ORDER BY sequence")
    assert [row["type"] for row in history][:3] == ["op.discovered", "op.readiness_closed", "op.judged"]
    assert shown(engine, "SELECT * FROM v1.op_queue") == []


def test_new_data_makes_a_verdict_that_of_former_datasets(engine, following):
    story = an_op("discover", "ready", "not pass")
    record = story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    assert record.type == "op.datasets_changed"
    read(following, [("op", story.subject, decision.value) for decision in story.decisions])
    program = one(engine, "SELECT * FROM v1.op_program")
    assert (program["state"], program["outcome"], program["verdict_sequence"]) == ("Discovered", None, None)
    finding = one(engine, "SELECT * FROM v1.op_criterion")
    assert (finding["passed"], finding["is_current"]) == (False, False)


MEASURED: list[tuple[Any, float | None, str | None]] = [
    (0.9, 0.9, None), (3, 3.0, None), ("IQUV", None, "IQUV"), ("", None, ""), (None, None, None),
    (True, None, "true"), ([629.4, 631.0], None, "[629.4, 631.0]"), ([None, "x"], None, '[null, "x"]'),
    ("1e5", None, "1e5"), (-1e300, -1e300, None),
]  # fmt: skip


def test_findings_are_shown_as_their_verdict_has_them_whatever_was_measured(engine, following):
    story = an_op("discover", "ready")
    findings = [
        {
            "name": f"c{number}", "metric": "m", "comparison": ">=", "passed": False,
            "dataset": "A" if number % 2 else None, "required": number % 3 == 0, "value": value, "threshold": value,
            "margin": -0.5 if number % 2 else None, "unit": "nm", "message": f"found \\ and\ttab {number}",
            "source": "who wants it",
        }
        for number, (value, _, _) in enumerate(MEASURED)
    ]  # fmt: skip
    assert story.ask("judge", a_verdict(story, "fail", findings=findings)).type == "op.judged"
    read(following, [("op", story.subject, decision.value) for decision in story.decisions])
    rows = shown(engine, "SELECT * FROM v1.op_criterion ORDER BY ordinal")
    assert [(row["value"], row["value_text"]) for row in rows] == [told[1:] for told in MEASURED]
    assert [(row["threshold"], row["threshold_text"]) for row in rows] == [told[1:] for told in MEASURED]
    for number, (row, finding) in enumerate(zip(rows, findings, strict=True), start=1):
        assert row["ordinal"] == number
        same = {"criterion": "name", "wanted_by": "source"} | {
            name: name
            for name in ("metric", "comparison", "dataset", "margin", "unit", "passed", "required", "message")
        }
        assert {column: row[column] for column in same} == {
            column: finding[name] for column, name in same.items()
        }
        assert (row["op"], row["program"], row["criteria_version"]) == (story.subject, VISP, 1)
        assert (row["sequence"], row["is_current"], row["is_tainted"]) == (3, True, False)
        assert row["judged_at"] == story.decisions[-1].record.at


def test_what_was_waited_for_adds_up_to_the_time_since_discovery(engine, following):
    desks = Desks()
    told = {"source": "scan", "datasets": [a_dataset("A", digest="1" * 32)]}
    assert desks.ask("op", "op-1", "discover", told) == "Discovered"
    assert desks.ask("op", "op-1", "ready", {"by": "operator"}, reason="all is there") == "Discovered"
    failure = {"step": "scan", "code": "NO_ANSWER", "failure_class": "transient", "message": "nobody there"}
    assert desks.ask("op", "op-1", "fail", failure) == "Error"
    assert desks.ask("op", "op-1", "recover", {"part": "op"}, reason="it is back") == "Discovered"
    read(following, desks.sealed)
    rows = {row["state"]: row for row in shown(engine, "SELECT * FROM v1.responsibility")}
    assert (rows["Error"]["waited_s"], rows["Error"]["waited_for"]) == (1.0, "an operator")
    assert (rows["Discovered"]["entered"], rows["Discovered"]["is_current"]) == (2, True)
    since = one(engine, "SELECT EXTRACT(EPOCH FROM now() - min(first_seen_at))::float8 AS s FROM v1.op")
    assert sum(row["waited_s"] for row in rows.values()) == pytest.approx(since["s"], abs=5)
