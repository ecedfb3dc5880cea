"""A file and its companion, in whatever order they come: a warning that is never waited for, and is withdrawn."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from events.sidecar_policy import SidecarPolicy
from tests.machines.given import COMPLETE, SHA_B, Story, a_file, arrival, current

DUE = {"due_at": "2026-11-21T06:00:00Z"}
COME = {"sidecar": "a.json", "sidecar_version": 1}


def wanting(sha256="a" * 64, **more):
    return {**arrival(sha256, **more), "pairing": DUE}


def test_a_sidecar_that_is_late_is_a_warning_and_changes_nothing_else():
    story = Story("file", "roman/a")
    story.ask("arrive", wanting())
    late = story.ask("sidecar_due", {"due_sequence": 1}, version=1)
    assert (late.type, late.fromstate, late.tostate) == ("file.sidecar_late", "QUEUED", "QUEUED")
    assert [each["code"] for each in late.data["warnings"]] == ["SIDECAR_LATE"]
    for step, data in (("start", {"worker": "w", "host": "h", "software_version": "1"}),):
        assert not story.ask(step, data, **current(story)).is_refusal, "nothing waits for it"
    again = story.ask("sidecar_due", {"due_sequence": 1}, version=1)
    assert again.data["reasons"] == ["the deadline of sequence 1 is not current"], (
        "one warning, not one a try"
    )


def test_when_it_comes_after_all_the_warning_is_withdrawn():
    story = Story("file", "roman/a")
    story.ask("arrive", wanting())
    story.ask("sidecar_due", {"due_sequence": 1}, version=1)
    assert story.state.state.versions[1].warnings == ["SIDECAR_LATE"]
    paired = story.ask("pair", COME)
    assert (paired.type, paired.version, paired.tostate) == ("file.paired", 1, "QUEUED")
    assert paired.data["withdraws"] == ["SIDECAR_LATE"]
    assert story.state.state.versions[1].warnings == []


def test_a_warning_of_an_earlier_version_is_withdrawn_too():
    story = Story("file", "roman/a")
    story.ask("arrive", wanting())
    story.ask("sidecar_due", {"due_sequence": 1}, version=1)
    story.ask("dismiss", {"code": "ABORTED"}, reason="because")
    story.ask("arrive", wanting(SHA_B, witness="inbox/0/2"))
    paired = story.ask("pair", COME)
    assert (paired.version, paired.data["withdraws"]) == (2, ["SIDECAR_LATE"])


def test_one_that_is_in_time_leaves_nothing_to_be_due():
    story = Story("file", "roman/a")
    story.ask("arrive", wanting())
    assert story.ask("pair", COME).data["withdraws"] == []
    assert story.ask("sidecar_due", {"due_sequence": 1}, version=1).is_refusal


def test_a_sidecar_before_its_primary_is_remembered_and_not_waited_for():
    story = Story("file", "roman/a")
    before = story.ask("pair", COME)
    assert (before.type, before.version, before.fromstate, before.tostate) == (
        "file.paired",
        None,
        None,
        None,
    )
    assert story.where is None, "nobody has announced it"
    assert story.ask("hold", reason="because").data["code"] == "UNKNOWN_SUBJECT"
    arrived = story.ask("arrive", wanting())
    assert (arrived.version, arrived.tostate) == (1, "QUEUED")
    assert arrived.data["pairing"] == {"sidecar": "a.json"}
    assert story.ask("sidecar_due", {"due_sequence": 2}, version=1).is_refusal


def test_a_second_sidecar_or_the_same_again_is_no_news():
    story = a_file(*COMPLETE)
    story.ask("pair", COME)
    for more in (COME, {**COME, "sidecar_version": 2}, {"sidecar": "a.tbl", "sidecar_version": 1}):
        assert story.ask("pair", more).data["reasons"] == [
            "its sidecar a.json is known already; nothing to do"
        ]


def test_new_content_does_not_ask_for_a_sidecar_that_is_there_and_does_ask_for_one_that_is_not():
    there, missing = (Story("file", f"roman/{name}") for name in "ab")
    for story in (there, missing):
        story.ask("arrive", wanting())
        if story is there:
            story.ask("pair", COME)
        story.ask("dismiss", {"code": "ABORTED"}, reason="because")
        story.ask("arrive", wanting(SHA_B, witness="inbox/0/2"))
    assert there.decisions[-1].record.data["pairing"] == {"sidecar": "a.json"}
    assert missing.decisions[-1].record.data["pairing"] == DUE
    old, new = (missing.ask("sidecar_due", {"due_sequence": number}, version=2) for number in (1, 3))
    assert old.is_refusal
    assert new.type == "file.sidecar_late"


def test_a_replayed_notification_sets_no_other_time():
    story = Story("file", "roman/a")
    story.ask("arrive", wanting())
    later = {**wanting(witness="inbox/0/9"), "pairing": {"due_at": "2026-11-22T06:00:00Z"}}
    assert story.ask("arrive", later).type == "file.witnessed"
    assert story.ask("sidecar_due", {"due_sequence": 1}, version=1).type == "file.sidecar_late"


def test_a_sidecar_says_at_its_end_whose_it_is():
    story = Story("file", "roman/a.json")
    story.ask("arrive", {**arrival(), "role": "sidecar", "pairing": {"primaries": ["a", "b"]}})
    for step in COMPLETE[1:]:
        take_step(story, step)
    assert story.decisions[-1].record.data["primaries"] == ["a", "b"]


def take_step(story, step):
    """As in the life of any file."""
    done = a_file(*COMPLETE[: COMPLETE.index(step) + 1])
    asked = done.decisions[-1].record
    names = {
        "start": ("worker", "host", "software_version"),
        "validated": ("sha256", "size_bytes", "media_type", "metadata", "checks_version", "qa"),
        "transferred": ("object",),
        "registered": ("register_table", "row_id"),
    }[step]
    record = story.ask(step, {name: asked.data[name] for name in names}, **current(story))
    assert not record.is_refusal, record.data


@pytest.mark.parametrize("order", list(permutations(["arrive", "pair", "due"])))
def test_in_every_order_the_file_ends_with_its_sidecar_and_no_open_warning(order):
    story = Story("file", "roman/a")
    for step in order:
        if step == "arrive":
            story.ask("arrive", wanting())
        elif step == "pair":
            story.ask("pair", COME)
        else:
            story.ask("sidecar_due", {"due_sequence": story.state.fact_sequence}, version=1)
    file = story.state.state
    assert (file.sidecar, file.versions[1].warnings) == ("a.json", [])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["arrive", "other", "pair", "due", "dismiss", "reopen", "hold"]), max_size=12)
)
def test_whatever_comes_a_warning_is_open_only_while_there_is_no_sidecar(steps):
    story = Story("file", "roman/a")
    for number, step in enumerate(steps):
        file = story.state.state
        asks = {
            "arrive": ("arrive", wanting(), {}),
            "other": ("arrive", wanting(f"{number:064x}", witness=f"inbox/0/{number}"), {}),
            "pair": ("pair", COME, {}),
            "due": ("sidecar_due", {"due_sequence": file.sidecar_due_sequence or 0}, {}),
            "dismiss": ("dismiss", {"code": "ABORTED"}, {"reason": "because"}),
            "reopen": ("reopen", {}, {"reason": "because"}),
            "hold": ("hold", {}, {"reason": "because"}),
        }
        word, data, more = asks[step]
        assert story.ask(word, data, **more).data.get("code") != "INTERNAL"
        warned = [each for each in file.versions.values() if "SIDECAR_LATE" in each.warnings]
        assert not (warned and file.sidecar), "withdrawn once it is there"
        assert not (file.sidecar and file.sidecar_due_sequence), "and no longer due"
        assert story.desk.dump(story.desk.load(story.desk.dump(story.state))) == story.desk.dump(story.state)


@pytest.mark.parametrize(
    ("policy", "name", "wanted"),
    [
        ({}, "a", ("a",)),
        ({"needed": False}, "a", None),
        ({"primaries": ["{name}.fits"]}, "a", ("a.fits",)),
        (
            {"pattern": r"(?P<frame>.+)_meta", "primaries": ["{frame}_a", "{frame}_b"]},
            "x_meta",
            ("x_a", "x_b"),
        ),
        ({"pattern": r".+_meta"}, "a", None),
        ({"pattern": r"(?P<frame>.*)_meta", "primaries": ["{frame}", "{name}"]}, "_meta", ("_meta",)),
        ({"primaries": ["{name}" * 3]}, "a" * 100, None),
        ({"primaries": ["{name}", "a"]}, "a", ("a",)),
    ],
)
def test_a_policy_says_whose_sidecar_a_name_is(policy, name, wanted):
    assert SidecarPolicy(**policy).primaries_of(name) == wanted


def test_a_policy_with_a_field_that_nobody_fills_is_refused():
    with pytest.raises(ValidationError, match=r"found the field \{frame\}, wanted one of name"):
        SidecarPolicy(primaries=("{frame}",))
