"""A worker's pace: single files are claimed for at once, and under load one claim takes many."""

from consumers.pace import Pace


def test_claims_are_further_apart_while_several_items_are_under_way():
    pace = Pace(threads=32)
    few, many = pace.pause_s(7), pace.pause_s(8)
    assert (few, many) == (pace.apart_s, pace.crowded_apart_s)
    assert few < many


def test_one_item_is_never_a_crowd():
    assert Pace(threads=1).pause_s(1) == Pace().apart_s
