"""Stories of observing programs: published step by step, replaced, withdrawn, under embargo."""

from typing import Any

from tests.machines.given_op import (
    FAILED,
    NOW,
    PUBLISHED,
    PUBLISHING,
    STEPS,
    a_dataset,
    an_op,
    products,
    reasons,
    take,
)


def test_publication_goes_step_by_step_and_is_not_published_before_all_are_done():
    story = an_op(*PUBLISHING)
    assert "archive comes after package" in reasons(story.ask("step_done", {"step": "archive"}))[0]
    assert "not done: package, archive, announce" in reasons(story.ask("published", {}))[0]
    story.ask("step_done", {"step": "package"})
    assert reasons(story.ask("step_done", {"step": "package"})) == ["package is done already"]
    story.ask("step_done", {"step": "archive"})
    assert "acknowledgement" in reasons(story.ask("step_done", {"step": "announce"}))[0]
    record = story.ask("step_done", {"step": "announce", "acknowledgement": "a"})
    assert record.data["steps_done"] == ["package", "archive", "announce"]
    assert story.ask("published", {}).tostate == "Published"


def test_a_published_op_can_be_inverted_again_and_never_leaves_the_portal():
    story = an_op(*PUBLISHED)
    for step in ("reinvert", "hand in", "verify", "accept", "publish", *STEPS):
        take(story, step)
        assert story.where == "Published", step
    assert story.state.state.attempts[1].is_public
    failed = story.ask("fail", {**FAILED, "step": "announce"}, attempt=2)
    assert (failed.type, failed.tostate) == ("op.failed", "Published")
    assert "recover it first" in reasons(story.ask("published", {}, attempt=2))[0]
    assert story.ask("recover", {}, reason="the store is back").tostate == "Published"
    record = story.ask("published", {}, attempt=2)
    assert record.data["supersedes"] == 1
    attempts = story.state.state.attempts
    assert [(each.state, each.is_public) for each in attempts.values()] == [
        ("Superseded", False),
        ("Published", True),
    ]


def test_what_is_withdrawn_is_kept_and_can_be_published_again():
    story = an_op(*PUBLISHED)
    assert story.ask("withdraw", {}).is_refusal
    asked = story.ask("withdraw", {"replacement": "none"}, reason="wrong wavelengths")
    assert (asked.tostate, asked.data["attempt_state"]) == ("Published", "Withdrawing")
    assert story.ask("withdrawn", {"acknowledgement": "gone", "publication": 1}).tostate == "Inverted"
    assert story.ask("publish", {}, attempt=1).is_refusal
    again = story.ask("publish", {}, attempt=1, reason="they were right")
    assert (again.data["publication"], len(again.data["outputs"])) == (2, 1)
    late = story.ask("step_done", {"step": "package", "publication": 1}, attempt=1)
    assert late.type == "op.report_ignored"


def test_what_is_on_its_way_can_be_taken_back_too():
    story = an_op(*PUBLISHING, "fail at last")
    record = story.ask("withdraw", {}, reason="not this one")
    assert (record.type, record.tostate, story.state.state.failures) == ("op.withdrawing", "Inverted", {})
    assert story.ask("withdrawn", {"acknowledgement": "never announced"}).tostate == "Inverted"


def test_an_embargo_is_the_latest_of_the_inputs_and_lifts_at_its_deadline():
    story = _published_with(
        a_dataset("A", is_embargoed=True, embargo_until="2027-01-01T00:00:00Z"),
        a_dataset("B", is_embargoed=True, embargo_until="2027-06-01T00:00:00.5Z"),
    )
    published = story.decisions[-1].record
    assert published.data["embargo"] == {"is_embargoed": True, "until": "2027-06-01T00:00:00.500000Z"}
    assert published.data["due_at"] == "2027-06-01T00:00:00.500000Z"
    assert story.ask("embargo", {"until": "2027-06-01T00:00:00Z"}, reason="x").is_refusal
    assert story.ask("lift", {"due_sequence": 1}).is_refusal
    assert story.ask("lift", {}).is_refusal
    assert story.ask("lift", {"due_sequence": published.sequence}).type == "op.embargo_lifted"
    assert story.ask("lift", {}, reason="again").is_refusal


def test_an_embargo_without_an_end_never_lifts_itself():
    story = _published_with(
        a_dataset("A", is_embargoed=True), a_dataset("B", is_embargoed=True, embargo_until=NOW)
    )
    published = story.decisions[-1].record
    assert (published.data["embargo"], "due_at" in published.data) == ({"is_embargoed": True}, False)
    assert story.ask("lift", {"due_sequence": published.sequence}).is_refusal
    assert story.ask("lift", {}, reason="the PI agrees").type == "op.embargo_lifted"
    moved = story.ask("embargo", {"until": "2027-06-01T00:00:00Z"}, reason="a thesis")
    assert story.ask("lift", {"due_sequence": moved.sequence}).type == "op.embargo_lifted"


def test_inputs_without_an_embargo_publish_without_one():
    story = _published_with(a_dataset("A"), a_dataset("B"))
    assert story.decisions[-1].record.data["embargo"] == {"is_embargoed": False}


def _published_with(*datasets: dict[str, Any]) -> Any:
    story = an_op()
    story.ask("discover", {"source": "catalogue", "datasets": list(datasets)})
    for step in PUBLISHED[1:]:
        if step == "hand in":
            story.ask("hand_in", products(inputs=["A", "B"]))
        else:
            take(story, step)
    return story
