"""A subject's records hang together: whatever is changed, dropped, swapped or made up is noticed."""

from hashlib import sha256

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.chain import TAIL_BYTES, BrokenChainError, link, seal, verify

data = st.dictionaries(
    st.text(), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), max_size=6
)
bodies = st.lists(data.map(lambda each: orjson.dumps({"data": each})), min_size=1, max_size=5)


def sealed(each_body: list[bytes]) -> list[bytes]:
    values, chain = [], ""
    for body in each_body:
        value, chain = seal(chain, body)
        values.append(value)
    return values


def verified(values: list[bytes]) -> str:
    chain = ""
    for value in values:
        chain = verify(chain, value)
    return chain


@given(bodies)
def test_what_was_sealed_verifies_and_is_still_json(each_body):
    values = sealed(each_body)

    assert verified(values) == orjson.loads(values[-1])["chain"]
    assert [orjson.loads(each)["data"] for each in values] == [
        orjson.loads(each)["data"] for each in each_body
    ]


@given(bodies, st.data())
def test_any_changed_byte_is_noticed(each_body, draw):
    values = sealed(each_body)
    which = draw.draw(st.integers(0, len(values) - 1))
    at = draw.draw(st.integers(0, len(values[which]) - 1))
    other = draw.draw(st.integers(0, 255).filter(lambda byte: byte != values[which][at]))
    values[which] = values[which][:at] + bytes([other]) + values[which][at + 1 :]

    with pytest.raises(BrokenChainError):
        verified(values)


@given(bodies, st.data())
def test_a_dropped_record_is_noticed_by_the_next(each_body, draw):
    values = sealed([*each_body, b'{"data":"last"}'])
    values.pop(draw.draw(st.integers(0, len(values) - 2)))

    with pytest.raises(BrokenChainError):
        verified(values)


def test_two_swapped_records_are_noticed():
    first, second, third = sealed([b'{"n":1}', b'{"n":2}', b'{"n":3}'])

    with pytest.raises(BrokenChainError):
        verified([first, third, second])


def test_anybody_can_verify_by_cutting_a_known_length_off_the_end():
    first, second = sealed([b'{"n":1}', b'{"n":2}'])
    previous = orjson.loads(first)["chain"]

    assert orjson.loads(second)["chain"] == sha256(previous.encode() + second[:-76] + b"}").hexdigest()
    assert TAIL_BYTES == 76


@pytest.mark.parametrize(
    "value", [b"", b"{}", b'{"n":1}', b'{"n":1,"chain":""}', b'","chain":"' + b"0" * 64 + b'"}']
)
def test_a_record_without_a_link_is_refused_in_words(value):
    with pytest.raises(BrokenChainError, match=r"found|says"):
        verify("", value)


def test_links_of_subjects_with_the_same_beginning_differ_by_what_went_before():
    assert link("", b"{}") != link("0" * 64, b"{}")
