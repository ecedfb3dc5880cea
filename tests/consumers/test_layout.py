"""Layouts: checked when they are configured, filled in with what the file says, always good keys."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from consumers.effects.layout import folders
from events.file import Brief, Content
from events.stream import StreamConfiguration
from events.transfer_policy import LAYOUT_FIELDS, TransferPolicy


def a_stream(layout, observing_day="utc"):
    return StreamConfiguration(
        stream="keck", transfer=TransferPolicy(layout=layout), observing_day=observing_day
    )


def a_brief(**more):
    return Brief(content=Content(uri="file:///a"), **more)


def test_without_a_layout_there_are_no_folders():
    assert folders(a_stream(None), a_brief()) == ""


def test_fields_are_filled_in_with_what_the_file_says():
    brief = a_brief(instrument="WFI 01/b", obs_start_utc="2026-11-21T05:00:00Z", purpose="calibration")
    assert folders(a_stream("{night}/{instrument}/{purpose}-x"), brief) == "20261121/wfi-01-b/calibration-x/"
    assert folders(a_stream("{year}/{month}/{day}"), brief) == "2026/11/21/"


@pytest.mark.parametrize(
    ("day", "night"), [("utc", "20261121"), ("utc-12h", "20261120"), ("hawaii", "20261120")]
)
def test_the_night_is_the_streams_observing_day(day, night):
    assert folders(a_stream("{night}", day), a_brief(obs_start_utc="2026-11-21T05:00:00")) == f"{night}/"


@pytest.mark.parametrize("text", [None, "yesterday", "0001-01-01T00:00:00Z"])
def test_what_a_file_does_not_say_is_named_so(text):
    found = folders(a_stream("{night}/{instrument}/{group}", "utc-12h"), a_brief(obs_start_utc=text))
    assert found == "undated/unknown/unknown/"


WRONG_STEPS = ("", "/a", "a/", "a//b", "..", "../{night}", "A", "a b", "{", "/".join("abcdefghi"))
WRONG_FIELDS = ("{nigth}", "{night!r}", "{night.year}")


@pytest.mark.parametrize("wrong", [*WRONG_STEPS, *WRONG_FIELDS])
def test_a_layout_that_makes_no_good_keys_is_refused(wrong):
    with pytest.raises(ValidationError, match=r"wanted (up to|one of)"):
        TransferPolicy(layout=wrong)


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_a_file_says_the_key_stays_below_its_prefix(instrument, group):
    layout = "/".join("{%s}" % name for name in LAYOUT_FIELDS[:8])  # noqa: UP031 - braces
    found = folders(a_stream(layout), a_brief(instrument=instrument, obs_start_utc=group))
    steps = found.split("/")
    assert steps.pop() == ""
    assert len(steps) == 8
    assert all(re.fullmatch(r"[a-z0-9_-][a-z0-9._-]{0,59}", step) for step in steps)
    assert ".." not in steps
