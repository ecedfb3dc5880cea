"""Light work by hundreds: one look, one write for a batch, and one bad item of it spoils none of the others."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from consumers import claims, light_work
from consumers.answer import Answer
from consumers.effects import judging
from consumers.effects.preprocess import why_not_needed
from consumers.held import keep_configurations
from consumers.homes import Home
from consumers.light_claims import steps_of_threads
from consumers.pace import Pace
from consumers.policies import criteria
from events.log import LogUnavailableError
from events.program_policy import ObservingPrograms
from tests.consumers.light_bench import TOPICS, Bench, counted_reports, passed, ready, spoil

STAGED = ObservingPrograms(inputs="s3://landing/{dataset}/", work_area="file:///work/")


@pytest.fixture
def bench() -> Bench:
    return Bench(Pace(batch=5))


# --- answers ---


def answered(bench: Bench) -> list[str | None]:
    return [Answer.decode(value).event_id for value in bench.values(TOPICS.answers("soc"))]


def test_the_senders_of_a_batch_are_looked_for_in_one_question():
    bench = Bench(Pace(batch=100))
    for number in range(12):
        actor = ("soc", "operator", "another")[number % 3]
        bench.told(*ready(f"op{number:02}", actor=actor, correlationid=f"e{number}")[:1])
    bench.light.do(bench.claim())
    assert bench.log.asked == [[TOPICS.answers(name) for name in ("another", "operator", "soc")]]
    assert sorted(answered(bench), key=str) == ["e0", "e3", "e6", "e9"]
    assert set(bench.states("answer").values()) == {"done"}


def test_a_topic_that_is_there_is_never_looked_for_again_and_a_missing_one_is(bench):
    for number, actor in enumerate(["soc", "operator", "soc", "operator"]):
        bench.told(*ready(f"op{number}", actor=actor, correlationid=f"e{number}")[:1])
        bench.do_all()
    asked = [topic for names in bench.log.asked for topic in names]
    assert asked == [TOPICS.answers("soc"), TOPICS.answers("operator"), TOPICS.answers("operator")]


def test_a_person_whose_name_is_none_for_a_topic_stops_nobody(bench):
    for number, actor in enumerate(["Jane Doe", "https://orcid.org/0000-0002-1825-0097", "soc"]):
        bench.told(*ready(f"op{number}", actor=actor, correlationid=f"e{number}")[:1])
    bench.do_all()
    assert bench.log.asked == [[TOPICS.answers("soc")]]
    assert answered(bench) == ["e2"]


def test_answers_wait_for_a_log_that_is_away(bench):
    bench.told(*ready("op1", actor="soc", correlationid="e1")[:1])
    bench.log.is_away = True
    items = [item for item in bench.claim() if item.effect == "answer"]
    bench.light.do(items)
    assert bench.states("answer") == {"op1": "open"}
    assert answered(bench) == []


# --- verdicts ---


def test_every_program_of_a_batch_gets_its_verdict_and_its_item_is_reported(bench):
    for number in range(12):
        bench.told(*ready(f"op{number:02}"))
    bench.do_all()
    verdicts = [request for request in bench.requests() if request.type == "op.judge"]
    assert sorted(request.subject for request in verdicts) == [f"op{number:02}" for number in range(12)]
    assert set(bench.states("qualify").values()) == {"reported"}


@pytest.mark.parametrize(
    ("table", "members"),
    [
        ("work.program_part", {"known": {"now": "nonsense"}}),
        ("work.program_dataset", {"told": {"frames": "x"}}),
    ],
)
def test_one_program_that_can_t_be_read_spoils_no_other_s_verdict(bench, table, members):
    for number in range(5):
        bench.told(*ready(f"op{number}"))
    spoil(bench, table, "op3", **members)
    bench.do_all()
    judged = {request.subject for request in bench.requests() if request.type == "op.judge"}
    assert judged == {"op0", "op1", "op2", "op4"}
    states = bench.states("qualify")
    assert states.pop("op3") == "parked"
    assert set(states.values()) == {"reported"}
    assert "qualify raised" in bench.reason("qualify", "op3")


def test_verdicts_of_a_batch_are_reported_in_lots_and_none_twice_when_a_later_one_raises(monkeypatch):
    """What was reported before the one that can't be read is not done again."""
    monkeypatch.setattr(judging, "READ_AT_ONCE", 4)
    monkeypatch.setattr(light_work, "FINDINGS_AT_ONCE", 2 * len(criteria().rules))
    bench = Bench(Pace(batch=100))
    names = [f"op{number}" for number in range(10)]
    bench.told(*(record for name in names for record in ready(name)))
    items = sorted(bench.claim(), key=lambda item: item.subject)
    spoil(bench, "work.program_part", "op6", known={"now": "nonsense"})
    written = counted_reports(bench, monkeypatch)
    bench.light.do(items)
    assert sum(written) == 9
    assert written[:2] == [2, 2]
    assert max(written) == 2
    judged = [request.subject for request in bench.requests()]
    assert sorted(judged) == [name for name in names if name != "op6"]
    assert bench.states("qualify").pop("op6") == "parked"


def test_one_report_that_can_t_be_written_down_spoils_no_other(bench, monkeypatch):
    for number in range(5):
        bench.told(*ready(f"op{number}"))
    put = bench.reporting.report

    def refusing(asks: Sequence[Any]) -> None:
        if any(ask.subject == "op2" for ask in asks):
            raise TypeError("Integer exceeds 64-bit range")
        put(asks)

    monkeypatch.setattr(bench.reporting, "report", refusing)
    bench.do_all()
    states = bench.states("qualify")
    assert states.pop("op2") == "parked"
    assert set(states.values()) == {"reported"}


def test_failures_of_a_batch_are_reported_together_and_one_that_can_t_be_said_is_parked(bench, monkeypatch):
    for number in range(5):
        bench.told(*ready(f"op{number}"))
        spoil(bench, "work.program_dataset", f"op{number}", is_gone=True)
    kept = next(
        row
        for row in bench.database.rows("work.program_part")
        if row["subject"] == "op3" and "now" in row["known"]
    )
    spoil(bench, "work.program_part", "op3", known={**kept["known"], "failed": "nonsense"})
    written = counted_reports(bench, monkeypatch)
    bench.do_all()
    failed = [request for request in bench.requests() if request.type == "op.fail"]
    assert {request.data["code"] for request in failed} == {"DATASETS_UNKNOWN"}
    assert sorted(request.subject for request in failed) == ["op0", "op1", "op2", "op4"]
    assert written == [4]
    assert bench.states("qualify").pop("op3") == "parked"


def test_a_batch_waits_together_for_a_log_that_is_away(bench, monkeypatch):
    for number in range(5):
        bench.told(*ready(f"op{number}"))

    def away(_: Any) -> None:
        raise LogUnavailableError("told to be away")

    items = bench.claim()
    monkeypatch.setattr(bench.tools.sender, "send_all", away)
    bench.light.do(items)
    assert set(bench.states("qualify").values()) == {"open"}
    assert [row["failures"] for row in bench.database.rows("work.breaker")] == [1]


def test_whoever_has_lost_its_lease_reports_nothing(bench):
    bench.told(*ready("op0"), *ready("op1"))
    items = [item for item in bench.claim() if item.effect == "qualify"]
    with bench.database.begin() as connection:
        claims.release_owned(cast("Any", connection), "w1")
    bench.light.do(items)
    assert bench.requests() == []


# --- staging that is not needed ---


def test_programs_of_which_nothing_is_staged_are_reported_together(bench):
    for number in range(4):
        bench.told(*passed(f"op{number}"))
    items = bench.claim()
    assert {item.effect for item in items} == {"preprocess"}
    bench.light.do(items)
    found = bench.requests()
    assert {request.type for request in found} == {"op.not_needed"}
    assert sorted(request.subject for request in found) == [f"op{number}" for number in range(4)]
    assert {request.data["frames"] for request in found} == {100}
    assert set(bench.states("preprocess").values()) == {"reported"}


def test_verdicts_go_before_staging_and_staging_goes_on(bench):
    for number in range(9):
        bench.told(*passed(f"old{number}"))
    for number in range(12):
        bench.told(*ready(f"new{number:02}"))
    taken = []
    while items := bench.claim():
        taken.append(
            (
                sum(item.effect == "qualify" for item in items),
                sum(item.effect == "preprocess" for item in items),
            )
        )
        bench.light.do(items)
    assert taken == [(5, 1), (5, 1), (2, 5), (0, 2)]


def test_verdicts_go_before_answers_and_answers_go_on(bench):
    for number in range(7):
        bench.told(*ready(f"op{number}", actor="soc", correlationid=f"e{number}"))
    taken = []
    while items := bench.claim():
        taken.append(tuple(sum(item.effect == effect for item in items) for effect in ("qualify", "answer")))
        bench.light.do(items)
    assert taken == [(5, 1), (2, 5), (0, 1)]


def test_a_batch_that_was_full_says_that_there_may_be_more(bench):
    for number in range(6):
        bench.told(*passed(f"op{number}"))
    assert (len(bench.claim()), bench.may_be_more) == (5, True)
    assert (len(bench.claim()), bench.may_be_more) == (1, False)


def test_where_inputs_are_staged_a_thread_does_it(bench):
    home = Home(STAGED)
    assert why_not_needed(home) is None
    assert "preprocess" in steps_of_threads(home)
    assert "preprocess" not in steps_of_threads(Home())
    assert steps_of_threads(Home()) == tuple(each for each in steps_of_threads(home) if each != "preprocess")


def test_staging_that_has_come_to_be_needed_is_given_back_and_left_to_the_threads(bench):
    bench.told(*passed("op1"))
    items = bench.claim()
    with bench.database.begin() as connection:
        told = {"stream": "dkist", "programs": STAGED.model_dump(mode="json", exclude_none=True)}
        row = {"stream": "dkist", "configuration_version": 1, "configuration": told}
        keep_configurations(cast("Any", connection), [row])
    bench.light.do(items)
    assert bench.requests() == []
    assert bench.states("preprocess") == {"op1": "open"}
    assert [item for item in bench.claim() if item.effect == "preprocess"] == []
    assert "preprocess" in steps_of_threads(bench.tools.homes.last)
