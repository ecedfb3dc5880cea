"""Readiness and verdicts as workers ask for them: by the policies in force, on exactly what the facts have told."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine

from consumers import claims
from consumers.arrivals import ArrivalsSeen
from consumers.effects.asking import Ask
from consumers.effects.judging import closing_request, other_verdict, qualify, readiness
from consumers.failures import Failed
from consumers.homes import Home, Homes, criteria_in_force
from consumers.known_programs import KnownPart
from consumers.policies import criteria
from consumers.policies import readiness as readiness_policy
from consumers.program_failures import program_fail_request
from events.op_parts import Announced, ProgramNow
from events.program_policy import InForce, ObservingPrograms
from events.stream import RetryPolicy
from machines.program.criteria import Criteria
from machines.program.readiness import ReadinessPolicy
from machines.program.verdict import judge
from tests.consumers.at_work import a_stream, dispatched
from tests.consumers.programs_given import OP_ID, VBI, VISP, OpStory, dataset, wire

ONE, BAD = dataset("AAAA"), dataset("BBBB", values={"stokes": "I", "ao_locked": 1})
CONTEXT = dataset("CCCC", VBI, "VBI")
MADE = datetime(2026, 11, 2, tzinfo=UTC)


def tools(engine, now) -> Any:
    """As much of a worker's tools as these effects use."""
    return SimpleNamespace(
        engine=engine, clock=lambda: now, homes=Homes(engine), arrivals=ArrivalsSeen(engine)
    )


@pytest.fixture
def engine(postgres):
    engine = create_engine(postgres)
    yield engine
    engine.dispose()


def begun(engine, *records):
    with engine.begin() as connection:
        dispatched(connection, *records)


def claimed(engine, effect):
    with engine.begin() as connection:
        standing = claims.stand(connection)
        return claims.claim_light(
            connection, standing, owner="w1", effects=(effect,), at_most=100, lease_s=30.0
        )


def home_of(engine, programs):
    with engine.begin() as connection:
        a_stream(connection, "dkist", programs=programs)


def requests(found) -> dict[str, Any]:
    return {item.payload["part"].partition(":")[2]: ask.request for item, ask in found if ask is not None}


def test_an_old_catalogue_closes_at_once_and_a_fresh_one_at_its_time(engine):
    begun(engine, OpStory().discover(ONE))
    items = claimed(engine, "readiness")
    late = requests(readiness(items, tools(engine, MADE + timedelta(days=8))))[VISP]
    assert (late.name, late.by, late.policy) == ("op.ready", "quiet_period", "dkist")
    early = requests(readiness(items, tools(engine, MADE + timedelta(days=6))))[VISP]
    assert (early.name, early.due_at) == ("op.await", MADE + timedelta(days=7))
    story = OpStory()
    story.discover(ONE)
    assert not story.ask("ready", late.wire()).is_refusal


def test_a_wait_says_when_it_will_be_over_by_how_others_have_arrived(engine):
    begun(engine, OpStory().discover(ONE))
    few = requests(readiness(claimed(engine, "readiness"), tools(engine, MADE + timedelta(days=1))))[VISP]
    assert few.forecast.startswith("no forecast: 0 like cases")
    for number in range(30):
        others = [
            dataset(f"D{number}-{each}", f"p{number}", created_at=f"2026-0{1 + each}-01T00:00:00Z")
            for each in range(2)
        ]
        begun(engine, OpStory(subject=f"eid_{number}").discover(*others))
    again = OpStory(subject="eid_again")
    begun(engine, again.discover(dataset("X", "p", created_at="2026-11-02T00:00:00Z")))
    items = [item for item in claimed(engine, "readiness") if item.subject == "eid_again"]
    (request,) = requests(readiness(items, tools(engine, MADE + timedelta(days=1)))).values()
    assert request.forecast.startswith("complete with 90 % by 2026-12-03")


def test_each_instrument_closes_by_its_own_policy(engine):
    rules = [
        {"instruments": ["VBI"], "by": ["quiet_period"], "quiet_days": 1},
        {"instruments": ["*"], "by": ["ready_event"]},
    ]
    members = {"name": "mine", "version": 3, "rule": rules}
    home_of(engine, {"readiness": {"name": "mine", "version": 3, "members": members}})
    begun(engine, OpStory().discover(ONE, CONTEXT))
    found = requests(readiness(claimed(engine, "readiness"), tools(engine, MADE + timedelta(days=100))))
    assert found.keys() == {VBI}
    assert (found[VBI].policy, found[VBI].policy_version) == ("mine", 3)


def test_what_a_sender_expects_closes_the_program_when_it_has_come_and_not_before(engine):
    story = OpStory()
    begun(engine, story.discover(ONE))
    begun(engine, story.told("ready", {"program": VISP, "by": "ready_event", "expected_datasets": 2}))
    added = story.told("datasets", {"source": "catalogue", "added": wire(BAD)})
    begun(engine, added)
    (ready,) = requests(readiness(claimed(engine, "readiness"), tools(engine, MADE))).values()
    assert (ready.by, ready.expected_datasets) == ("manifest", 2)


def test_what_was_expected_before_the_first_dataset_came_is_remembered(engine):
    story = OpStory()
    word = story.told("ready", {"program": VISP, "by": "ready_event", "expected_datasets": 1}, actor="dkist")
    begun(engine, word, story.discover(ONE))
    (ready,) = requests(readiness(claimed(engine, "readiness"), tools(engine, MADE))).values()
    assert (ready.name, ready.by, ready.expected_datasets) == ("op.ready", "manifest", 1)


@pytest.mark.parametrize(
    ("seen", "by", "asked"),
    [
        (2, ("ready_event", "quiet_period"), None),
        (3, ("ready_event", "quiet_period"), ("op.ready", None, "ready_event", 3)),
        (3, ("quiet_period",), None),
    ],
    ids=["more will come", "all of it is there", "a word that counts for nothing closes nothing"],
)
def test_what_was_announced_of_a_whole_op_closes_all_of_it_and_silence_does_not(seen, by, asked):
    story = OpStory()
    now = ProgramNow.model_validate(story.discover(ONE).data["programs"][0])
    rules = [{"instruments": ["*"], "by": by, "quiet_days": 7}]
    policy = ReadinessPolicy.model_validate({"name": "mine", "version": 1, "rule": rules})
    announced = Announced(expected=3, seen=seen)
    long_after = MADE + timedelta(days=100)
    found: Any = closing_request(now, [ONE], policy, at=long_after, announced=announced)
    assert (found and (found.name, found.program, found.by, found.expected_datasets)) == asked
    alone: Any = closing_request(now, [ONE], policy, at=long_after)
    assert alone.by == "quiet_period"


def test_the_manifest_of_a_program_closes_it_though_more_of_the_op_will_come():
    story = OpStory()
    now = ProgramNow.model_validate(story.discover(ONE).data["programs"][0])
    told = now.model_copy(update={"expected_datasets": 1})
    announced = Announced(expected=3, seen=1)
    found: Any = closing_request(told, [ONE], readiness_policy(), at=MADE, announced=announced)
    assert (found.name, found.program, found.by) == ("op.ready", VISP, "manifest")


def test_all_programs_of_an_op_are_closed_by_one_request(engine):
    story = OpStory()
    word = story.told("ready", {"by": "ready_event", "expected_datasets": 2}, actor="dkist")
    begun(engine, word, story.discover(ONE, CONTEXT))
    items = claimed(engine, "readiness")
    found = readiness(items, tools(engine, MADE))
    asked: list[Any] = [ask.request for _, ask in found if isinstance(ask, Ask)]
    assert [(each.program, each.by, each.expected_datasets) for each in asked] == [(None, "ready_event", 2)]
    closed = story.told("ready", asked[0].wire())
    assert {each["program"] for each in closed.data["programs"]} == {VISP, VBI}


def test_the_verdict_has_every_criterion_and_is_taken_by_the_machine(engine):
    story = OpStory()
    begun(engine, story.discover(ONE, BAD), story.close(ONE, BAD))
    (request,) = requests(qualify(claimed(engine, "qualify"), tools(engine, MADE))).values()
    record = story.told("judge", request.wire())
    assert record.tostate == "Not Invertible"
    assert set(record.data["failed"]) == {"stokes", "ao"}
    listed = {(each["name"], each.get("dataset")) for each in record.data["verdict"]["findings"]}
    assert {("stokes", "AAAA"), ("stokes", "BBBB"), ("ao", "AAAA"), ("ao", "BBBB")} <= listed


def test_a_program_without_criteria_is_context(engine):
    story = OpStory()
    begun(engine, story.discover(CONTEXT), story.close(CONTEXT, program=VBI))
    (request,) = requests(qualify(claimed(engine, "qualify"), tools(engine, MADE))).values()
    assert request.verdict["outcome"] == "not_applicable"
    assert story.told("judge", request.wire()).tostate == "Not Invertible"


def test_a_program_that_has_re_opened_is_not_judged(engine):
    story = OpStory()
    begun(engine, story.discover(ONE), story.close(ONE))
    items = claimed(engine, "qualify")
    begun(engine, story.told("datasets", {"source": "catalogue", "added": wire(BAD)}))
    assert [ask for _, ask in qualify(items, tools(engine, MADE))] == [None]


def test_datasets_that_do_not_fit_their_program_s_fact_are_never_judged(engine):
    story = OpStory()
    record = story.discover(ONE)
    begun(engine, record, story.close(ONE))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE work.program_dataset SET is_gone = true")
    ((_, failed),) = qualify(claimed(engine, "qualify"), tools(engine, MADE))
    assert isinstance(failed, Failed)
    assert failed.code == "DATASETS_UNKNOWN"


def test_the_criteria_in_force_are_those_of_the_newest_configuration(engine):
    assert [each.label for each in criteria_in_force(Homes(engine).now())] == ["visp v1"]
    strict = criteria().model_dump(mode="json", by_alias=True, exclude_none=True)
    strict["version"] = 2
    home_of(engine, {"criteria": [{"name": "visp", "version": 2, "members": strict}]})
    home = Homes(engine).now()
    assert (home.stream, home.version) == ("dkist", 1)
    assert [each.label for each in criteria_in_force(home)] == ["visp v2"]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (InForce(name="visp", version=9), "visp v9 can't be used"),
        (InForce(name="visp", version=2, members={"name": "visp"}), "visp v2 can't be used"),
        (
            InForce(
                name="mine",
                members=criteria().model_dump(mode="json", by_alias=True, exclude_none=True),
            ),
            "call themselves visp v1",
        ),
    ],
)
def test_criteria_that_are_none_say_so(wanted, says):
    with pytest.raises(Failed, match=says):
        criteria_in_force(Home(ObservingPrograms(criteria=(wanted,))))


@pytest.mark.parametrize(
    ("judged_by", "outcome", "in_force", "asked"),
    [
        (("visp", 1), "pass", [("visp", 1, "VISP")], None),
        (("visp", 1), "pass", [("visp", 2, "VISP")], ("visp", 2)),
        (("visp", 1), "fail", [("vbi", 1, "VBI"), ("visp", 1, "VISP")], None),
        (("visp", 1), "not_applicable", [("visp", 1, "VBI")], None),
        (("visp", 1), "not_applicable", [("visp", 2, "VBI")], None),
        (("visp", 1), "not_applicable", [("visp", 1, "VBI"), ("slit", 1, "VISP")], ("slit", 1)),
        (("visp", 1), "pass", [("slit", 1, "VISP"), ("visp", 1, "VISP")], ("slit", 1)),
        (("visp", 1), "pass", [("vbi", 3, "VBI")], ("vbi", 3)),
    ],
    ids=[
        "the same", "another version", "one more that is for others", "context", "context by another version",
        "a set for what was context", "a set that goes before", "a set less",
    ],
)  # fmt: skip
def test_a_program_is_judged_again_where_other_criteria_judge_it_now(judged_by, outcome, in_force, asked):
    """And the machine takes that: once, as the verdict is gone then."""
    rules = criteria().model_dump(mode="json", by_alias=True, exclude_none=True)
    sets = [
        Criteria.model_validate({**rules, "name": name, "version": version, "instruments": [instrument]})
        for name, version, instrument in in_force
    ]
    verdict = {"criteria": judged_by[0], "criteria_version": judged_by[1], "outcome": outcome}
    again = other_verdict(VISP, verdict, [ONE], sets)
    assert (again and (again.criteria, again.criteria_version)) == asked
    if again is not None:
        story = OpStory()
        story.discover(ONE)
        story.close(ONE)
        first = judge(VISP, [ONE], criteria()).model_copy(update={"outcome": outcome})
        findings = [] if outcome == "not_applicable" else first.model_dump(mode="json")["findings"]
        story.told("judge", {"verdict": {**first.model_dump(mode="json"), "findings": findings}})
        assert story.told("requalify", again.wire()).data["programs"][0]["state"] == "Discovered"


def test_one_set_of_criteria_said_of_a_whole_op_leaves_what_another_has_judged():
    story = OpStory()
    story.discover(ONE)
    story.close(ONE)
    story.told("judge", {"verdict": judge(VISP, [ONE], criteria()).model_dump(mode="json")})
    told = {"criteria": "cryo", "criteria_version": 2}
    assert story.ask("requalify", told).is_refusal
    assert story.told("requalify", {**told, "program": VISP}).tostate == "Discovered"


def test_a_step_is_tried_again_while_its_budget_lasts_and_then_a_person_looks():
    story = OpStory()
    story.discover(ONE)
    item = claims.WorkItem(
        "e", "preprocess", OP_ID, "(programs)", None, None, 1, "normal", MADE, 1, "r", "w1", 1, {}
    )
    policy = RetryPolicy(tries=2, first_s=10, factor=1)
    failed = Failed("IO_ERROR", "transient", "no answer")
    now = story.decisions[-1].record.data["programs"][0]
    known, due = {"now": now}, []
    for _ in range(3):
        request = program_fail_request(item, failed, KnownPart(known), policy=policy, clock=lambda: MADE)
        due.append(request.due_at is not None)
        record = story.told("fail", request.wire())
        known["failed"] = {"step": "preprocess", "tries": record.data["evidence"]["tries"]}
        story.told("recover", {"due_sequence": record.sequence} if due[-1] else {}, reason="mended")
    assert due == [True, True, False]
    other = KnownPart({"now": now, "failed": {"step": "qualify", "tries": 9}})
    assert program_fail_request(item, failed, other, policy=policy, clock=lambda: MADE).evidence == {
        "tries": 1
    }
