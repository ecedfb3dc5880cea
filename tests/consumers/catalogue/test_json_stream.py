import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.catalogue import json_stream
from consumers.catalogue.json_stream import JsonBrokenError, elements

PATH = ("data", "datasetInventories")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def streamed(text: str, *, step: int = 1 << 18, aside: dict | None = None) -> list:
    stream = io.StringIO(text)
    return list(elements(lambda _: stream.read(step), PATH, aside=aside))


@given(st.lists(VALUES), st.integers(1, 9), st.sampled_from([None, 1, 4]), VALUES)
def test_elements_are_those_of_the_whole_document_however_it_is_cut_and_spaced(found, step, indent, beside):
    text = json.dumps(
        {"extensions": beside, "data": {"x": 1, "datasetInventories": found}, "errors": beside}, indent=indent
    )
    aside: dict = {}
    assert streamed(text, step=step, aside=aside) == found
    assert aside == {"extensions": beside, "data.x": 1, "found": True, "errors": beside}


@given(st.lists(VALUES, min_size=1), st.integers(0, 400))
def test_a_document_that_is_cut_off_gives_what_came_before_and_says_so(found, at):
    text = json.dumps({"data": {"datasetInventories": found}})
    cut = text[: min(at, len(text) - 1)]
    stream = io.StringIO(cut)
    seen: list = []
    with pytest.raises(JsonBrokenError):
        seen.extend(elements(lambda _: stream.read(7), PATH))
    assert seen == found[: len(seen)]


def test_a_number_that_is_cut_off_is_not_taken_for_a_smaller_one():
    stream = io.StringIO('{"data": {"datasetInventories": [1, 12')
    seen: list = []
    with pytest.raises(JsonBrokenError):
        seen.extend(elements(lambda _: stream.read(7), PATH))
    assert seen == [1]


@pytest.mark.parametrize(
    "text",
    ["", "[", "nonsense", '{"data": {"datasetInventories": [1 2]}}', '{"data": {"datasetInventories": [1]}} more',
     "{1: 2}", '{"data": {"datasetInventories": [1], }}', '{"data": {"datasetInventories": ' + "[" * 100_000],
)  # fmt: skip
def test_what_is_no_json_is_said_to_be_none(text):
    with pytest.raises(JsonBrokenError):
        streamed(text)


def test_not_a_number_and_absurd_numbers_do_not_end_the_reading():
    found = streamed(
        '{"data": {"datasetInventories": [NaN, -Infinity, 1e999, ' + "9" * 5000 + ', {"a": 1}]}}'
    )
    assert found[1:4] == [float("-inf"), float("inf"), float("inf")]
    assert found[4] == {"a": 1}


def test_no_array_where_it_should_be_is_told_apart_from_an_empty_one():
    aside: dict = {}
    assert streamed('{"data": null, "errors": ["no"]}', aside=aside) == []
    assert aside == {"data": None, "errors": ["no"]}
    aside = {}
    assert streamed('{"data": {"datasetInventories": []}}', aside=aside) == []
    assert aside == {"found": True}


def test_memory_holds_an_element_and_not_the_document(monkeypatch):
    monkeypatch.setattr(json_stream, "_CHUNK", 1000)
    one = json.dumps({"x": "y" * 500})
    asked = []

    def endless(size):
        asked.append(size)
        return '{"data": {"datasetInventories": [' if len(asked) == 1 else (one + ",") * 2

    walk = elements(endless, PATH)
    for _ in range(5000):
        next(walk)
    assert max(asked) < 5000
