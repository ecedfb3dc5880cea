"""Stories of observing programs: datasets, readiness and verdicts, program by program."""

import pytest

from events.op_parts import Cover
from machines.op_state import DATASETS_KEPT
from tests.machines.given_op import (
    INVERTIBLE,
    NOW,
    PREPROCESSED,
    READY,
    VBI,
    VISP,
    a_dataset,
    a_verdict,
    an_op,
    cover,
    program,
    reasons,
)


def test_late_data_opens_its_own_program_and_no_other():
    story = an_op(*PREPROCESSED)
    story.ask("datasets", {"source": "scan", "added": [a_dataset("C", VBI)]})
    assert (story.where, program(story).is_ready, program(story, VBI).is_ready) == (
        "Preprocessed",
        True,
        False,
    )
    record = story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    assert (record.tostate, record.data["reopened"]) == ("Discovered", [VISP])
    assert (program(story).is_ready, program(story).verdict, program(story).staged) == (False, None, None)


def test_a_program_without_criteria_is_context_and_an_op_of_such_alone_is_not_invertible():
    story = an_op(*INVERTIBLE)
    story.ask("datasets", {"source": "scan", "added": [a_dataset("C", VBI)]})
    story.ask("ready", {"by": "operator", "program": VBI}, reason="all there")
    assert story.ask("judge", a_verdict(story, "not_applicable", VBI)).tostate == "Invertible"
    story.ask("datasets", {"source": "scan", "gone": [{"dataset": "A", "program": VISP, "digest": "0" * 32}]})
    assert story.where == "Not Invertible"
    assert story.ask("datasets", {"source": "scan", "added": [a_dataset("A")]}).tostate == "Discovered"


def test_an_op_is_not_invertible_only_once_nothing_is_undecided():
    story = an_op("discover")
    story.ask("datasets", {"source": "scan", "added": [a_dataset("X", "id.visp2")]})
    story.ask("ready", {"by": "operator"}, reason="all there")
    assert story.ask("judge", a_verdict(story, "fail")).tostate == "Discovered"
    assert story.ask("judge", a_verdict(story, "fail", "id.visp2")).tostate == "Not Invertible"


def test_what_a_scan_tells_again_changes_nothing():
    story = an_op(*PREPROCESSED)
    known = {"source": "scan", "added": [a_dataset("A")], "changed": [{**a_dataset("A"), "was": "0" * 32}]}
    unknown = {"gone": [{"dataset": "never seen", "program": VISP, "digest": "0" * 32}]}
    assert reasons(story.ask("datasets", {**known, **unknown}))[0].startswith("these datasets are known")
    assert reasons(story.ask("discover", {"source": "event", "datasets": [a_dataset("A")]}))
    record = story.ask("datasets", {"source": "scan", "metadata": [a_dataset("A", is_embargoed=True)]})
    assert (record.type, record.tostate) == ("op.metadata_changed", "Preprocessed")
    assert program(story).names["A"][1] == "for ever"


def test_a_dataset_told_as_new_that_is_known_otherwise_is_a_change():
    story = an_op("discover")
    record = story.ask("datasets", {"source": "scan", "added": [a_dataset("A", digest="f" * 32)]})
    assert [each["was"] for each in record.data["changed"]] == [a_dataset("A")["digest"]]
    assert program(story).covers == Cover.of([("A", "f" * 32)])


def test_a_dataset_that_moves_to_another_program_leaves_the_first():
    story = an_op(*INVERTIBLE)
    record = story.ask("datasets", {"source": "scan", "changed": [a_dataset("A", "id.other")]})
    assert {each["program"]: each["cover"]["datasets"] for each in record.data["programs"]} == {
        VISP: 0,
        "id.other": 1,
    }
    assert (story.where, program(story).names) == ("Discovered", {})


def test_one_dataset_with_two_contents_in_one_report_is_refused():
    story = an_op("discover")
    twice = [a_dataset("B"), a_dataset("B", digest="e" * 32)]
    assert "told twice" in reasons(story.ask("datasets", {"source": "scan", "added": twice}))[0]


def test_a_word_of_ready_makes_an_op_known_that_no_catalogue_has_yet():
    story = an_op()
    early = story.ask("ready", {"by": "ready_event", "expected_datasets": 1})
    assert (early.type, early.fromstate, early.tostate) == ("op.ready_kept", None, "Discovered")
    assert reasons(story.ask("discover", {"source": "scan"}))[0].startswith("the OP is known already")
    found = story.ask("discover", {"source": "scan", "proposal": "pid_1", "datasets": [a_dataset("A")]})
    assert (found.type, found.data["proposal"], found.tostate) == ("op.discovered", "pid_1", "Discovered")
    again = story.ask("discover", {"source": "scan", "datasets": [a_dataset("B")]})
    assert again.type == "op.datasets_changed"
    assert story.ask("ready", {"by": "ready_event", "expected_datasets": 2}).type == "op.readiness_closed"


@pytest.mark.parametrize("by", ["manifest", "quiet_period", "operator"])
def test_nobody_else_s_word_makes_an_op_known(by):
    story = an_op()
    assert reasons(story.ask("ready", {"program": VISP, "by": by}, reason="because"))[0].startswith(
        "nothing is known"
    )


def test_a_verdict_has_to_cover_exactly_the_current_datasets():
    story = an_op(*READY)
    old = a_verdict(story)
    story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    record = story.ask("judge", old)
    assert (record.type, record.tostate) == ("op.report_ignored", "Discovered")
    assert (record.data["reported"]["datasets"], record.data["wanted"]["datasets"]) == (1, 2)
    assert reasons(story.ask("judge", a_verdict(story))) == [
        f"program {VISP} is not ready: close it by evidence first (op.ready)"
    ]


def test_a_verdict_has_to_say_what_its_findings_say():
    story = an_op(*READY)
    good, bad = a_verdict(story)["verdict"], a_verdict(story, "fail")["verdict"]
    optional = [{**bad["findings"][0], "required": False}]
    for wrong in (
        {**good, "findings": bad["findings"]},
        {**bad, "findings": good["findings"]},
        {**good, "findings": optional},
        {**good, "outcome": "not_applicable"},
        {**good, "instrument": "VBI"},
        {**good, "findings": [{**good["findings"][0], "dataset": "of another"}]},
    ):
        assert reasons(story.ask("judge", {"verdict": wrong})), wrong
    assert (
        story.ask("judge", {"verdict": {**good, "findings": good["findings"] + optional}}).type == "op.judged"
    )


def test_every_required_criterion_that_was_not_met_is_named_once():
    story = an_op(*READY)
    verdict = a_verdict(story, "fail")["verdict"]
    finding = {**verdict["findings"][0], "dataset": "A"}
    names = ["health", "gos", "health", "light"]
    findings = [{**finding, "name": name, "required": name != "light"} for name in names]
    record = story.ask("judge", {"verdict": {**verdict, "findings": findings}})
    assert (record.tostate, record.data["failed"]) == ("Not Invertible", ["health", "gos"])


def test_a_word_of_ready_before_the_data_is_here_is_kept_and_closes_nothing():
    story = an_op("discover")
    early = story.ask("ready", {"program": VISP, "by": "ready_event", "expected_datasets": 2})
    assert (early.type, early.data["seen_datasets"]) == ("op.ready_kept", 1)
    assert story.ask("ready", {"program": "id.unknown", "by": "ready_event"}).type == "op.ready_kept"
    record = story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    assert record.data["programs"][0]["expected_datasets"] == 2
    closed = story.ask(
        "ready", {"program": VISP, "by": "manifest", "cover": cover(story), "expected_datasets": 2}
    )
    assert closed.type == "op.readiness_closed"


def waits(story, program_id=VISP):
    wait = {"program": program_id, "due_at": NOW, "policy": "quiet", "policy_version": 1}
    return story.ask("await", {**wait, "cover": cover(story, program_id)})


def silent(story):
    """By what silence would close the program."""
    quiet = {"program": VISP, "by": "quiet_period", "cover": cover(story)}
    return [story.ask("quiet_due", {"due_sequence": 2}), story.ask("ready", quiet), waits(story)]


@pytest.mark.parametrize("of", [{"program": VISP}, {}])
def test_who_has_heard_that_more_will_come_does_not_close_on_silence(of):
    story = an_op("discover")
    waits(story)
    kept = story.ask("ready", {**of, "by": "ready_event", "expected_datasets": 2})
    assert (kept.type, kept.data["seen_datasets"]) == ("op.ready_kept", 1)
    assert [each["program"] for each in kept.data["programs"]] == [VISP]
    for record in silent(story):
        assert any(
            "wanted 2 as was announced" in each or "is not current" in each for each in reasons(record)
        )
    story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    assert waits(story).type == "op.ready_awaited"
    assert story.ask("quiet_due", {"due_sequence": story.state.sequence}).type == "op.readiness_closed"


def test_what_was_announced_of_a_whole_op_is_remembered_until_it_has_come():
    story = an_op()
    story.ask("ready", {"by": "ready_event", "expected_datasets": 3})
    found = story.ask("discover", {"source": "scan", "datasets": [a_dataset("A"), a_dataset("V", VBI)]})
    assert found.data["announced"] == {"expected": 3, "seen": 2}
    assert reasons(waits(story, VBI))
    last = story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    assert last.data["announced"] == {"expected": 3, "seen": 3}
    closed = story.ask("ready", {"by": "ready_event", "expected_datasets": 3})
    assert {each["program"] for each in closed.data["programs"]} == {VISP, VBI}
    late = story.ask("datasets", {"source": "scan", "added": [a_dataset("C")]})
    assert "announced" not in late.data, "it has come; what follows is news"


def test_what_was_announced_of_a_program_before_it_came_is_remembered_with_it():
    story = an_op("discover")
    story.ask("ready", {"program": VBI, "by": "ready_event", "expected_datasets": 2})
    record = story.ask("datasets", {"source": "scan", "added": [a_dataset("V", VBI)]})
    assert record.data["programs"][0]["expected_datasets"] == 2
    assert reasons(waits(story, VBI))


def test_a_later_word_overrules_what_was_announced():
    for first, word in (({"program": VISP}, {"program": VISP}), ({}, {})):
        story = an_op("discover")
        story.ask("ready", {**first, "by": "ready_event", "expected_datasets": 9})
        fewer = story.ask("ready", {**word, "by": "ready_event", "expected_datasets": 1})
        assert fewer.type == "op.readiness_closed"
        story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
        assert waits(story).type == "op.ready_awaited"
    story = an_op("discover")
    story.ask("ready", {"by": "ready_event", "expected_datasets": 9})
    assert (
        story.ask("ready", {"by": "operator"}, reason="nine was a typing error").type == "op.readiness_closed"
    )
    story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    assert waits(story).type == "op.ready_awaited"


def test_a_sender_who_speaks_of_programs_without_end_fills_no_snapshot():
    story = an_op("discover")
    for number in range(200):
        story.ask("ready", {"program": f"id.{number}", "by": "ready_event", "expected_datasets": 2})
    assert len(story.state.state.announced) <= 65
    story.ask("ready", {"program": "id.0", "by": "ready_event", "expected_datasets": 7})
    assert story.state.state.announced["id.0"] == 7


def test_a_ready_event_closes_what_the_policy_lets_it_close_and_nothing_else():
    policy = {"by": "ready_event", "policy": "mine", "policy_version": 3}
    story = an_op("discover")
    story.ask("datasets", {"source": "scan", "added": [a_dataset("V", VBI)]})
    told = "the policy mine v3 closes no program of VISP by ready_event; an operator can"
    assert told in reasons(story.ask("ready", {**policy, "program": VISP, "not_for": ["VISP"]}))
    assert told in reasons(story.ask("ready", {**policy, "program": VISP, "only_for": ["VBI"]}))
    closed = story.ask("ready", {**policy, "not_for": ["VISP"]})
    assert [each["program"] for each in closed.data["programs"]] == [VBI]
    assert reasons(story.ask("ready", {**policy, "not_for": ["VISP"]})) == [told]
    assert story.ask("ready", {"by": "operator"}, reason="all is there").type == "op.readiness_closed"


def test_a_quiet_period_ends_at_its_own_deadline_and_not_after_new_data():
    story = an_op("discover")
    wait = {"program": VISP, "due_at": NOW, "policy": "quiet", "policy_version": 1}
    story.ask("await", {**wait, "cover": cover(story)})
    story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    assert reasons(story.ask("quiet_due", {"due_sequence": 2}))
    assert story.ask("await", {**wait, "cover": Cover(datasets=1).model_dump()}).type == "op.report_ignored"
    story.ask("await", {**wait, "cover": cover(story)})
    record = story.ask("quiet_due", {"due_sequence": story.state.sequence})
    assert (record.type, record.data["by"]) == ("op.readiness_closed", "quiet_period")


def test_other_criteria_judge_again_and_the_same_do_not():
    story = an_op(*PREPROCESSED)
    assert reasons(story.ask("requalify", {"criteria": "visp", "criteria_version": 1}))
    assert reasons(story.ask("requalify", {}))
    assert story.ask("requalify", {"criteria": "visp", "criteria_version": 2}).tostate == "Discovered"
    assert program(story).is_ready
    assert story.ask("judge", a_verdict(story)).tostate == "Invertible"


def test_a_program_with_more_datasets_than_are_kept_by_name_is_known_by_its_cover():
    story = an_op("discover")
    many = [a_dataset(f"D{number}", embargo_until=None) for number in range(180)]
    story.ask("datasets", {"source": "scan", "added": many})
    known = program(story)
    everything = Cover.of((each["dataset"], each["digest"]) for each in [a_dataset("A"), *many])
    assert (known.covers, len(known.names), known.is_whole) == (everything, DATASETS_KEPT, False)
    last = many[-1]
    assert reasons(story.ask("datasets", {"source": "s", "changed": [{**last, "digest": "1" * 32}]}))
    changed = {**last, "digest": "1" * 32, "was": last["digest"], "is_embargoed": True}
    gone = [{name: many[-2][name] for name in ("dataset", "program", "digest")}]
    story.ask("datasets", {"source": "s", "changed": [changed], "gone": gone})
    wanted = everything.minus([(many[-2]["dataset"], many[-2]["digest"]), (last["dataset"], last["digest"])])
    assert program(story).covers == wanted.plus([(last["dataset"], "1" * 32)])
    story.ask("ready", {"by": "operator"}, reason="all there")
    assert story.ask("judge", a_verdict(story)).tostate == "Invertible"
    assert len(story.desk.dump(story.state)) < 30_000
