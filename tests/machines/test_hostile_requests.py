"""Whatever JSON is asked of observing programs and groups: a fact or reasons come of it, and never our own error."""

import random
from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.base import REQUESTS
from events.envelope import decode_record
from tests.machines.given import Story
from tests.machines.given_op import PREPROCESSED, WORKING, an_op
from tests.machines.op_asker import WORDS, Asker

HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**53, 2**63, 2**64 - 1, 0.5, -0.0, 1e308, "", " ", "x", "0", "\x00", "ü" * 300,
    "x" * 3000, "0" * 32, "0" * 64, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2026-11-21T05:00:00+01:00",
    "2026-11-21", "id.a", "id.a/1", "program:id.a", "attempt:1", [], [None], [[[]]], {}, {"": None}, [{}] * 600,
)  # fmt: skip
SCALARS = st.one_of(
    st.sampled_from(HOSTILE), st.none(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**64 - 1), st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc_", max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
PLACES = st.integers(0, 9) | st.integers(0, 9) | st.integers(0, 9) | st.sampled_from([-1, 999_999, 1_000_000])
RANGES = st.lists(st.fixed_dictionaries({"first": PLACES, "last": PLACES}), min_size=1, max_size=3)
KINDS = st.sampled_from(["exposure", "dataset"])
STATUSES = st.sampled_from(["seen", "complete", "invalid", "dismissed"])
OF_GROUPS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "expect": st.fixed_dictionaries(
        {"kind": KINDS, "by": st.sampled_from(["manifest", "operator"]), "ranges": RANGES},
        optional={
            "sidecar_needed": st.booleans(), "closes_when_due": st.booleans(), "parents": st.just({"op": "id.a"}),
            "due_at": st.sampled_from(["2026-11-21T06:00:00Z", "9999-12-31T23:59:59Z"]),
        },
    ),
    "member": st.fixed_dictionaries(
        {"kind": KINDS, "member": st.sampled_from(["a", "b", "\x00"]), "status": STATUSES},
        optional={
            "place": PLACES, "role": st.sampled_from(["primary", "sidecar"]),
            "expected": st.integers(-1, 12) | st.just(1_000_000), "parents": st.just({"dataset": "A"}),
        },
    ),
    "excuse": st.fixed_dictionaries({"ranges": RANGES}, optional={"code": st.just("DEAD_SENSOR")}),
    "due": st.fixed_dictionaries({"due_sequence": st.integers(-1, 12)}),
    "close": st.just({}),
    "reopen": st.just({}),
    "note": st.just({"text": "a remark"}),
}  # fmt: skip


def answered(story: Story) -> bool:
    """The last answer is a fact or a refusal of the asker's own making, and a reader reads it back."""
    decision = story.decisions[-1]
    assert decision.poison is None, decision.poison
    assert decision.record.data.get("code") != "INTERNAL", decision.record.data
    assert decode_record(decision.value).data == decision.record.data
    return story.desk.dump(story.desk.load(story.desk.dump(story.state))) == story.desk.dump(story.state)


def spoiled(told: Any, data: st.DataObject) -> Any:
    """The same with one member, somewhere inside, put in by an enemy, left out, or told twice."""
    made = deepcopy(told)
    places = list(_places(made))
    if not places:
        return data.draw(JSON)
    holder, key = data.draw(st.sampled_from(places))
    match data.draw(st.sampled_from(["other", "other", "out", "twice", "more"])):
        case "other":
            holder[key] = data.draw(JSON)
        case "out":
            del holder[key]
        case "twice" if isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        case _ if isinstance(holder, dict):
            holder[data.draw(st.text("abc_", max_size=3))] = data.draw(JSON)
    return made


def _places(told: Any) -> Any:
    inner = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for key, value in list(inner):
        yield told, key
        yield from _places(value)


def asked(story: Story, word: str, told: Any, **more: Any) -> bool:
    if not isinstance(told, dict):
        told = {"told": told}
    story.ask(word, told, **more)
    return answered(story)


@pytest.mark.parametrize("first", [1, 9])
def test_places_from_last_to_first_are_refused_with_what_was_found(first):
    for word, told in (("expect", {"kind": "exposure", "by": "manifest"}), ("excuse", {})):
        story = Story("group", "rubin/e1")
        story.ask("expect", {"kind": "exposure", "by": "manifest", "ranges": [{"first": 0, "last": 9}]})
        for ranges in ([(first, first - 1)], [(0, 5), (first, 0)]):
            listed = [{"first": one, "last": last} for one, last in ranges]
            assert asked(story, word, {**told, "ranges": listed}, reason="because")
            record = story.decisions[-1].record
            assert record.data["code"] == "REFUSED"
            assert f"found the places {first} to {ranges[-1][1]}" in record.data["reasons"][0]


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"])
def test_times_that_nothing_can_be_reckoned_with_are_refused(at):
    for word, told in (("claim", {"lease_s": 900_000}), ("extend", {}), ("hand_over", {"to": "bob"})):
        story = an_op(*(PREPROCESSED if word == "claim" else WORKING))
        assert asked(story, word, {**told, "lease_from": at})
        record = story.decisions[-1].record
        assert record.data["code"] == "INVALID_REQUEST"
        assert f"found the year {int(at[:4])}, wanted one from 1000 to 9998" in record.data["reasons"][0]


@settings(max_examples=300, deadline=None)
@given(
    data=st.data(),
    words=st.lists(st.sampled_from([*OF_GROUPS, "expect", "excuse", "excuse"]), min_size=1, max_size=12),
)
def test_no_request_about_a_group_makes_deciding_raise(data, words):
    story = Story("group", "rubin/e1")
    for word in words:
        told = data.draw(OF_GROUPS[word])
        if data.draw(st.integers(0, 3)) == 0:
            told = spoiled(told, data)
        assert asked(story, word, told, reason=data.draw(st.sampled_from(["because", "because", None])))


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32), data=st.data(), words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8)
)
def test_no_request_about_an_observing_program_makes_deciding_raise(seed, data, words):
    asker = Asker(random.Random(seed))
    asker.ask("discover")
    for _ in range(data.draw(st.integers(0, 25))):
        asker.go_on()
    for word in words:
        told, more = asker._data(word)
        name = {"metadata": "datasets", "gone": "datasets"}.get(word, word)
        attempt = more.get("attempt") if data.draw(st.booleans()) else data.draw(st.integers(1, 2**31 - 1))
        assert asked(
            asker.story, name, spoiled(told, data), attempt=attempt,
            actor=data.draw(st.sampled_from(["ann", "eve"])), reason=data.draw(st.sampled_from([None, "because"])),
        )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(name for name in REQUESTS if name.startswith(("op.", "group.")))), told=JSON
)
def test_any_json_at_all_is_answered(name, told):
    machine, _, word = name.partition(".")
    assert orjson.loads(orjson.dumps(told)) == told or isinstance(told, float)
    assert asked(Story(machine, "dkist/x"), word, told, reason="because")


@pytest.mark.parametrize("number", [-1, 2**53, 2**63, 2**64 - 1])
@pytest.mark.parametrize("member", ["frames", "size_bytes"])
def test_a_count_that_no_column_takes_is_refused_with_its_path(member: str, number: int):
    dataset = {"dataset": "A", "program": "id.a", "instrument": "VISP", "digest": "0" * 32, member: number}
    story = Story("op", "id.o")
    record = story.ask("discover", {"source": "a scan", "datasets": [dataset]})
    assert answered(story)
    assert (record.type, record.data["code"]) == ("op.refused", "INVALID_REQUEST")
    assert f"datasets.0.{member}" in record.data["reasons"][0]
