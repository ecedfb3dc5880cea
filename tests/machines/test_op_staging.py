"""Staged inputs go only while nobody works with them, and come back for whoever claims their program."""

from tests.machines.given_op import (
    INVERTIBLE,
    LEASE,
    VISP,
    a_dataset,
    a_verdict,
    an_op,
    cover,
    program,
    reasons,
    take,
)

FIRST, SECOND = "file:///work/1", "file:///work/2"


def staged(story, location=FIRST):
    told = {"program": VISP, "cover": cover(story), "location": location, "files": 1, "size_bytes": 1}
    return story.ask("preprocessed", told)


def unstage(story, location=FIRST, **how):
    return story.ask("unstage", {"program": VISP, "location": location, "policy": "staged-age"}, **how)


def gone(story, location=FIRST, *, is_gone=True):
    told = {"program": VISP, "location": location, "is_gone": is_gone, "message": "so"}
    return story.ask("unstaged", told)


def preprocessed():
    story = an_op(*INVERTIBLE)
    assert staged(story).type == "op.preprocessed"
    return story


def test_inputs_that_nobody_works_with_go_and_come_back_for_the_first_who_claims():
    story = preprocessed()
    record = unstage(story)
    assert (record.type, record.data["is_current"], record.tostate) == ("op.unstaging", True, "Preprocessed")
    assert gone(story).type == "op.unstaged"
    claim = story.ask("claim", {"program": VISP, **LEASE})
    assert (claim.type, claim.data["restage"], claim.data.get("location")) == ("op.claimed", True, None)
    beside = story.ask("claim", {"program": VISP, "beside": [1], **LEASE}, actor="other", reason="we agreed")
    assert "restage" not in beside.data, "they are being staged already"
    again = staged(story, SECOND)
    assert (again.data["again"], again.data["attempts"]) == (True, [1, 2])
    assert program(story).areas.keys() == {SECOND}
    assert "staging needs" in reasons(staged(story, FIRST))[0], "once is enough"


def test_what_somebody_has_claimed_stays_until_the_attempt_ends():
    story = preprocessed()
    take(story, "claim")
    assert reasons(unstage(story)) == ["attempt 1 of somebody works with them (Working); it has to end first"]
    take(story, "release")
    assert unstage(story).type == "op.unstaging"


def test_inputs_of_former_datasets_go_while_somebody_works_with_those_of_today():
    story = preprocessed()
    story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    take(story, "ready")
    story.ask("judge", a_verdict(story))
    assert staged(story, SECOND).type == "op.preprocessed"
    take(story, "claim")
    record = unstage(story)
    assert (record.type, record.data["is_current"]) == ("op.unstaging", False)
    assert "works with them" in reasons(unstage(story, SECOND))[0]
    assert program(story).staged["location"] == SECOND


def test_a_hold_keeps_them_and_so_does_silence_on_why():
    story = preprocessed()
    assert reasons(story.ask("unstage", {"program": VISP})) == ["a policy, or: unstage needs a reason"]
    take(story, "hold")
    assert reasons(unstage(story)) == ["the OP is held; unhold it first"]


def test_they_are_gone_once_and_a_report_on_others_is_refused():
    story = preprocessed()
    assert "wanted one on those that are to go: none" in reasons(gone(story))[0]
    story.ask("unstage", {"program": VISP}, reason="the disk is full")
    assert unstage(story).type == "op.unstaging", "whoever was to remove them may have been lost"
    gone(story)
    assert "wanted one where inputs of program id.visp are staged: none" in reasons(unstage(story))[0]
    assert "wanted one on those that are to go" in reasons(gone(story))[0]


def test_what_a_worker_left_may_be_asked_for_again():
    story = preprocessed()
    unstage(story)
    assert gone(story, is_gone=False).type == "op.unstaged"
    record = unstage(story)
    assert (record.type, record.data["is_current"]) == ("op.unstaging", False), (
        "it is staged anew when claimed"
    )


def test_very_many_places_are_not_remembered():
    story = preprocessed()
    for number in range(40):
        unstage(story, FIRST if number == 0 else f"file:///work/{number}x")
        story.ask("claim", {"program": VISP, **LEASE})
        staged(story, f"file:///work/{number + 1}x")
        take(story, "release")
    assert len(program(story).areas) == 32
    assert "file:///work/40x" in program(story).areas


def test_nothing_staged_is_nothing_to_remove():
    story = an_op(*INVERTIBLE, "stage")
    assert "found no single place" in reasons(story.ask("unstage", {"program": VISP}, reason="so"))[0]
    assert (
        "wanted one that is known: id.visp" in reasons(story.ask("unstage", {"program": "x"}, reason="so"))[0]
    )
