"""Reports as they stand with their items: whatever their length, they are sent again as they were sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.kept_reports import LONG, as_kept, as_sent
from events.clock import now
from events.envelope import UndecodableError, encode_request


def report(message: str) -> bytes:
    return encode_request(
        id="11111111-1111-5111-8111-111111111111", type="file.fail", subject="roman/f1", actor="worker", source="w",
        at=now(), data={"message": message},
    )  # fmt: skip


@given(message=st.text(max_size=20) | st.text(min_size=200).map(lambda word: word * 40))
def test_a_report_comes_back_as_it_was_sent(message):
    sent = report(message)
    assert as_sent(as_kept(sent)) == sent


def test_short_reports_are_kept_as_they_are_and_long_ones_take_little_room():
    short, long = report("x"), report("found 1 of 2 " * LONG)
    assert as_kept(short) == short
    assert len(as_kept(long)) < len(long) / 4


@pytest.mark.parametrize("cut", [2, 5, 20])
def test_one_that_was_damaged_says_so(cut):
    with pytest.raises(UndecodableError, match="as it was kept"):
        as_sent(as_kept(report("y" * LONG))[:cut])


def test_what_was_kept_before_reports_were_deflated_is_read():
    old = report("z" * LONG)
    assert as_sent(old) == old
