"""Places on the sky and bounds on checks, as people type them; and what is no such thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectors.file_filter import QaBound
from projectors.sky import Box, Cone
from service.cli.bounds import read_bound, read_box, read_cone
from service.cli.errors import WrongUseError
from service.cli.selecting import Selection


def test_a_cone_and_a_box_in_degrees():
    assert read_cone("266.4,-29,0.5") == Cone(266.4, -29.0, 0.5)
    assert read_cone("-10, 0, 1") == Cone(350.0, 0.0, 1.0)
    assert read_box("350,-5,10,5") == Box(350.0, -5.0, 10.0, 5.0)
    assert read_cone(None) is None
    assert read_box(None) is None


@pytest.mark.parametrize(
    "text", ["", "1,2", "1,2,3,4", "1,2,x", "nan,0,1", "0,91,1", "0,0,-1", "0,0,181", "1e9,0,1", "0,0,inf"]
)
def test_what_is_no_cone_is_wrong_use(text):
    with pytest.raises(WrongUseError, match="--at"):
        read_cone(text)


@pytest.mark.parametrize("text", ["1,2,3", "0,5,1,-5", "0,-91,1,0", "a,b,c,d"])
def test_what_is_no_box_is_wrong_use(text):
    with pytest.raises(WrongUseError, match="--box"):
        read_box(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("seeing<1.2", QaBound("seeing", "<", 1.2)),
        ("seeing <= 1.2", QaBound("seeing", "<=", 1.2)),
        ("frames>=0.75", QaBound("frames", ">=", 0.75)),
        ("offset>-3e2", QaBound("offset", ">", -300.0)),
        ("grade=B", QaBound("grade", "=", "B")),
        ("grade!=B", QaBound("grade", "!=", "B")),
        ("note=a<b", QaBound("note", "=", "a<b")),
    ],
)
def test_a_bound_is_a_check_a_comparison_and_a_value(text, wanted):
    assert read_bound(text) == wanted


@pytest.mark.parametrize("text", ["seeing", "<1", "seeing<", "seeing<good", "seeing>nan"])
def test_what_is_no_bound_is_wrong_use(text):
    with pytest.raises(WrongUseError, match="--qa"):
        read_bound(text)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_read_or_is_wrong_use(text):
    for read, kind in ((read_cone, Cone), (read_box, Box), (read_bound, QaBound)):
        try:
            found = read(text)
        except WrongUseError:
            continue
        assert isinstance(found, kind)


def test_a_selection_hands_all_of_it_to_the_filter():
    wanted = Selection(
        visit="v1", detector="WFI01", filter_name="F158", at="1,2,3", box="0,0,1,1", qa=["seeing<1", "a=b"]
    ).filter()
    assert (wanted.visit, wanted.detector, wanted.filter) == ("v1", "WFI01", "F158")
    assert (wanted.at, wanted.box) == (Cone(1.0, 2.0, 3.0), Box(0.0, 0.0, 1.0, 1.0))
    assert wanted.qa == (QaBound("seeing", "<", 1.0), QaBound("a", "=", "b"))
