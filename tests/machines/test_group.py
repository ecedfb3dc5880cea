"""Groups: the table written out again, members counted once whatever is repeated, and a large one that stays small."""

import random
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.base import FACTS, REQUESTS
from events.chain import verify
from events.envelope import decode_record
from machines.bitmap import bits_of, pack, ranges_of, unpack
from machines.group_life import GROUP_LIFE
from machines.group_state import STRAYS_KEPT, GroupState
from machines.lifecycle import IllegalTransitionError
from service.audit import op_lives
from tests.machines.given import Story

EVERY = "Open, Complete, Closed short, Reopened"

# request | fact           | from                      | to
TABLE = f"""
expect    | expected       | ∅                         | Open
expect    | expected       | Open                      | Open, Complete
expect    | expected       | Complete, Closed short    | Complete, Reopened
expect    | expected       | Reopened                  | Complete, Reopened
member    | member_counted | ∅, Open                   | Open, Complete
member    | member_counted | Complete, Reopened        | Complete, Reopened
member    | member_counted | Closed short              | Complete, Reopened, Closed short
excuse    | excused        | Open                      | Open, Complete
excuse    | excused        | Reopened                  | Complete, Reopened
excuse    | excused        | Closed short              | Complete, Closed short
due       | due_passed     | Open                      | Open, Complete, Closed short
due       | due_passed     | Reopened                  | Reopened, Complete, Closed short
close     | closed         | Open, Reopened            | Complete, Closed short
reopen    | reopened       | Complete, Closed short    | Reopened
note      | noted          | {EVERY}                   | =
"""


def rows() -> set[tuple[str, str, str, str]]:
    """Every single transition of the table above: request, fact, from, to."""
    found = set()
    for line in TABLE.strip().splitlines():
        request, fact, sources, ends = (cell.strip() for cell in line.split("|"))
        for source in sources.split(", "):
            for end in [source] if ends == "=" else ends.split(", "):
                found.add((request, fact, source, end))
    return found


def test_the_lifecycle_is_this_table_and_nothing_else():
    built = {
        (request.removeprefix("group."), fact.removeprefix("group."), str(source), str(end))
        for request, fact, source, end in GROUP_LIFE.transitions()
    }
    assert built == rows()


def test_the_auditor_has_the_same_table():
    ours = {(f"group.{fact}", None if source == "∅" else source, end) for _, fact, source, end in rows()}
    lives = op_lives.LIVES.items()
    assert ours == {(fact, *pair) for fact, pairs in lives if fact.startswith("group.") for pair in pairs}


@pytest.mark.parametrize("state", GroupState)
def test_every_state_meets_every_fact_and_every_end(state):
    names = [name for name in FACTS if name.startswith("group.") and name != "group.refused"]
    listed = {(fact, source, end) for _, fact, source, end in rows()}
    for name, end in product(names, GroupState):
        if (name.removeprefix("group."), state.value, end.value) in listed:
            assert GROUP_LIFE.after(name, state, end) is end
        else:
            with pytest.raises(IllegalTransitionError, match="cannot follow"):
                GROUP_LIFE.after(name, state, end)


def a_member(place: int | None, status: str = "complete", **more: Any) -> dict[str, Any]:
    return {"kind": "exposure", "member": f"m{place}", "place": place, "status": status, **more}


def expected(last: int, **more: Any) -> dict[str, Any]:
    return {"kind": "exposure", "by": "manifest", "ranges": [{"first": 0, "last": last}], **more}


def a_group(*asks: tuple[str, dict[str, Any]]) -> Story:
    story = Story("group", "rubin/e1")
    for request, data in asks:
        record = story.ask(request, data, reason="because")
        assert not record.is_refusal, record.data["reasons"]
    return story


DUE = {"due_at": "2026-11-21T06:00:00Z"}
OPEN = (("expect", expected(1, **DUE)), ("member", a_member(0)))
REACHED = {
    "Open": OPEN,
    "Complete": (*OPEN, ("member", a_member(1))),
    "Closed short": (*OPEN, ("close", {})),
    "Reopened": (*OPEN, ("close", {}), ("reopen", {})),
}
ASKED = {
    "expect": expected(5),
    "member": a_member(1, "seen"),
    "excuse": {"ranges": [{"first": 1, "last": 1}]},
    "due": {"due_sequence": 1},
    "close": {},
    "reopen": {},
    "note": {"text": "a remark"},
}
REFUSED_BY_MEMORY = {
    ("member", "Complete"): "m1 is complete already, more than seen",
    ("due", "Reopened"): "the deadline of sequence 1 is not current",
}


def test_every_request_has_an_example_here():
    assert {f"group.{name}" for name in ASKED} == {name for name in REQUESTS if name.startswith("group.")}


@pytest.mark.parametrize(("state", "request_name"), list(product(REACHED, ASKED)))
def test_every_state_answers_every_request_with_the_listed_fact_or_with_reasons(state, request_name):
    story = a_group(*REACHED[state])
    assert story.where == state
    record = story.ask(request_name, ASKED[request_name], reason="because")
    allowed = {fact for request, fact, source, _ in rows() if request == request_name and source == state}
    memory = REFUSED_BY_MEMORY.get((request_name, state))
    if allowed and memory is None:
        assert record.type.removeprefix("group.") in allowed, record.data
        assert (record.fromstate, record.tostate) == (state, story.where)
        return
    assert (record.type, record.tostate) == ("group.refused", state)
    assert record.data["reasons"][0].startswith(memory or f"{request_name} needs")
    assert set(record.data["allowed"]) == {request for request, _, source, _ in rows() if source == state}


def test_requests_about_a_group_that_nobody_has_seen_say_so():
    for name in ASKED.keys() - {"expect", "member"}:
        record = Story("group", "rubin/e1").ask(name, ASKED[name], reason="because")
        assert record.data["code"] == "UNKNOWN_SUBJECT", name


def test_a_member_is_counted_once_however_often_it_is_told():
    story = a_group(("expect", expected(1)), ("member", a_member(0, "seen")), ("member", a_member(0)))
    for status in ("seen", "complete"):
        again = story.ask("member", a_member(0, status))
        assert again.data["reasons"] == [
            "m0 is complete already, more than seen; nothing to do"
            if status == "seen"
            else "m0 is counted as complete already; nothing to do"
        ]
    assert story.state.state.counts().seen == story.state.state.counts().complete == 1


def test_a_member_that_nobody_expects_is_a_warning_and_a_count_and_is_not_waited_for():
    story = a_group(("expect", expected(0)))
    for number, member in enumerate((a_member(7), {**a_member(None), "member": "guide"}), start=1):
        record = story.ask("member", member)
        assert record.data["counts"]["unexpected"] == number
        assert [each["code"] for each in record.data["warnings"]] == ["UNEXPECTED_MEMBER"]
        assert not record.data["is_expected"]
    assert story.ask("member", a_member(0)).tostate == "Complete"
    assert story.ask("member", {**a_member(None), "member": "guide 2"}).tostate == "Complete"


def test_members_without_a_place_are_counted_once_too_and_kept_in_bounds():
    story = a_group(("expect", expected(0)))
    for number in range(STRAYS_KEPT + 10):
        story.ask("member", {**a_member(None), "member": f"stray {number}"})
    assert story.ask("member", {**a_member(None), "member": "stray 0"}).is_refusal
    assert story.state.state.counts().unexpected == STRAYS_KEPT + 10
    assert len(story.state.state.strays) == STRAYS_KEPT
    assert len(story.desk.dump(story.state)) < 25_000


def test_a_needed_sidecar_is_waited_for_until_the_group_is_due_and_no_longer():
    story = a_group(("expect", expected(0, sidecar_needed=True, **DUE)), ("member", a_member(0)))
    assert story.where == "Open"
    due = story.ask("due", {"due_sequence": 1})
    assert (due.tostate, due.data["warnings"][0]["code"]) == ("Complete", "SIDECAR_LATE")
    late = story.ask("member", a_member(0, role="sidecar"))
    assert (late.tostate, late.data["warnings"][0]["code"]) == ("Complete", "SIDECAR_LATE")
    in_time = a_group(("expect", expected(0, sidecar_needed=True, **DUE)), ("member", a_member(0)))
    record = in_time.ask("member", a_member(0, role="sidecar"))
    assert (record.tostate, record.data["counts"]["sidecars"]) == ("Complete", 1)


def test_what_is_missing_at_the_due_time_is_listed_and_closes_the_group_only_where_policy_says_so():
    story = a_group(("expect", expected(9, **DUE)), ("member", a_member(4)))
    record = story.ask("due", {"due_sequence": 1})
    assert (record.tostate, record.data["missing"]) == ("Open", 9)
    assert record.data["missing_ranges"] == [{"first": 0, "last": 3}, {"first": 5, "last": 9}]
    closing = a_group(("expect", expected(9, closes_when_due=True, **DUE)), ("member", a_member(4)))
    assert closing.ask("due", {"due_sequence": 1}).tostate == "Closed short"
    assert closing.ask("member", a_member(5)).tostate == "Reopened"


def test_invalid_members_are_missing_until_they_are_excused():
    story = a_group(("expect", expected(1)), ("member", a_member(0)), ("member", a_member(1, "invalid")))
    assert story.where == "Open"
    record = story.ask("excuse", {"ranges": [{"first": 1, "last": 1}], "code": "DEAD_SENSOR"}, reason="off")
    assert (record.tostate, record.data["counts"]["done"]) == ("Complete", 2)
    assert story.ask("excuse", {"ranges": [{"first": 1, "last": 1}]}, reason="off").is_refusal


def test_headers_that_contradict_each_other_are_a_warning():
    story = a_group(("member", a_member(0, expected=2)))
    assert story.state.state.counts().expected == 2
    record = story.ask("member", a_member(1, expected=3))
    warning = record.data["warnings"][0]
    assert (warning["code"], warning["found"], warning["wanted"]) == ("OTHER_EXPECTATION", "3", "2")
    assert record.tostate == "Complete"


def test_more_expected_opens_what_was_complete_and_less_completes_what_was_open():
    story = a_group(("expect", expected(0)), ("member", a_member(0)))
    assert story.ask("expect", expected(3)).tostate == "Reopened"
    assert story.ask("expect", expected(0)).tostate == "Complete"
    assert story.ask("expect", expected(0)).is_refusal


@pytest.mark.parametrize("seed", range(5))
def test_the_digest_is_that_of_the_standing_not_of_the_way_there(seed):
    dice = random.Random(seed)
    members = [(place, status) for place in range(40) for status in ("seen", "complete")]
    one, other = (a_group(("expect", expected(60))) for _ in range(2))
    for place, status in members:
        one.ask("member", a_member(place, status))
    dice.shuffle(members)
    for place, status in members:
        other.ask("member", a_member(place, status))
    assert one.state.state.digest == other.state.state.digest
    other.ask("member", a_member(3, "invalid"))
    assert one.state.state.digest != other.state.state.digest


def test_a_dataset_of_77694_frames_in_any_order_has_small_records_and_a_small_snapshot():
    frames = 77_694
    story = a_group(("expect", {**expected(frames - 1), "kind": "dataset"}))
    desk, state = story.desk, story.state
    places = list(range(frames))
    random.Random(1).shuffle(places)
    largest, snapshots = 0, []
    for number, place in enumerate(places[:3000]):
        record = story.ask("member", {**a_member(place), "kind": "dataset"})
        assert not record.is_refusal
        largest = max(largest, len(story.decisions[-1].value))
        story.decisions.clear()
        if number % 500 == 0:
            snapshots.append(len(desk.dump(state)))
    # The rest by the fold alone, which is what a replay does.
    for place in places[3000:-1]:
        state.state.put(place, "primary", "complete")
    snapshots.append(len(desk.dump(state)))
    last = story.ask("member", {**a_member(places[-1]), "kind": "dataset"})
    assert (last.tostate, last.data["counts"]["done"]) == ("Complete", frames)
    snapshots.append(len(desk.dump(state)))
    assert largest < 1_200
    assert max(snapshots) < 40_000
    assert desk.load(desk.dump(state)) == state


def test_a_half_filled_group_takes_no_more_than_a_few_bits_a_place():
    bits = random.Random(2).getrandbits(77_694)
    assert unpack(pack(bits)) == bits
    assert len(pack(bits)) < 77_694 / 8 * 1.4
    assert len(pack(bits_of([(0, 77_693)]))) < 100
    assert unpack(pack(0)) == 0
    found = ranges_of(bits, 10**9)
    assert bits_of(found) == bits
    assert len(ranges_of(bits, 5)) == 5


STATUSES = ("seen", "complete", "invalid", "dismissed")


@settings(max_examples=60, deadline=None)
@given(
    last=st.integers(0, 9),
    told=st.lists(st.tuples(st.integers(0, 12), st.sampled_from(STATUSES)), max_size=60),
    excused=st.sets(st.integers(0, 12), max_size=3),
    when=st.integers(0, 60),
)
def test_the_sets_of_bits_count_what_a_plain_list_counts(last, told, excused, when):
    story, plain = a_group(("expect", expected(last))), dict[int, str]()
    for number, (place, status) in enumerate(told):
        if number == when and excused:
            ranges = [{"first": each, "last": each} for each in excused]
            story.ask("excuse", {"ranges": ranges}, reason="off")
        if not (status == "seen" and place in plain):
            plain[place] = status
        story.ask("member", a_member(place, status))
    group = story.state.state
    counts, gone = group.counts(), set(ranges_to_places(group.excused))
    for status in STATUSES[1:]:
        assert getattr(counts, status) == sum(each == status for each in plain.values())
    done = {place for place, status in plain.items() if status in {"complete", "dismissed"}} | gone
    assert counts.seen == len(plain)
    assert counts.unexpected == len([place for place in plain if place > last])
    assert counts.done == len([place for place in done if place <= last])
    assert (story.where == "Complete") == (counts.done == last + 1)
    assert replayed(story) == story.state


def ranges_to_places(bits: int) -> list[int]:
    return [place for first, last in ranges_of(bits, 10**6) for place in range(first, last + 1)]


def replayed(story: Story) -> Any:
    """The records alone, verified and folded, over a snapshot half way."""
    again, chain = story.desk.new(), ""
    for number, decision in enumerate(story.decisions):
        chain = verify(chain, decision.value)
        story.desk.apply(again, decode_record(decision.value), chain=chain)
        if number == len(story.decisions) // 2:
            again = story.desk.load(story.desk.dump(again))
    return again


HOSTILE = [
    ("expect", {**expected(1), "ranges": []}),
    ("expect", {**expected(1), "ranges": [{"first": 5, "last": 1}]}),
    ("expect", {**expected(1), "ranges": [{"first": 0, "last": 10**12}]}),
    ("expect", {**expected(1), "ranges": [{"first": -1, "last": 1}]}),
    ("member", a_member(10**9)),
    ("member", a_member(-1)),
    ("member", a_member(0, "COMPLETE")),
    ("member", a_member(0, expected=0)),
    ("member", {**a_member(0), "member": ""}),
    ("member", {**a_member(0), "member": "x" * 300}),
    ("member", {**a_member(0), "kind": "universe"}),
    ("member", {**a_member(0), "place": "zero"}),
    ("member", {**a_member(0), "strange": 1}),
    ("member", a_member(0, "seen", role="sidecar")),
    ("excuse", {"ranges": [{"first": 9, "last": 3}]}),
    ("due", {"due_sequence": None}),
    ("note", {"text": " "}),
]


@pytest.mark.parametrize(("request_name", "data"), HOSTILE)
def test_hostile_requests_are_refused_with_reasons_and_change_nothing(request_name, data):
    story = a_group(("expect", expected(1)))
    before = story.desk.dump(story.state)
    record = story.ask(request_name, data, reason="because")
    assert (record.type, story.decisions[-1].poison) == ("group.refused", None)
    assert record.data["reasons"]
    assert story.desk.load(before).state == story.state.state
