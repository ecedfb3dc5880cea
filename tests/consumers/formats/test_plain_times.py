"""Plain times are what astropy makes of them, digit by digit; whatever is not plain is left to it."""

from datetime import datetime

import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from consumers.formats.earth_tables import use_shipped_tables
from consumers.formats.findings import Findings
from consumers.formats.plain_times import plain_time
from consumers.formats.times import NO_TIME, Moment, moment

NEAR_LEAPS = st.sampled_from(
    ["1972-06-30T23:59:59", "1972-07-01T00:00:00", "1998-12-31T23:59:59.999999", "1999-01-01T00:00:00",
     "2016-12-31T23:59:59.999999", "2017-01-01T00:00:00", "2016-12-31T00:00:00.000001"]
)  # fmt: skip
ANY = st.datetimes(min_value=datetime(1972, 1, 1), max_value=datetime(2999, 12, 31)).map(datetime.isoformat)


def by_astropy(text: str) -> Moment:
    use_shipped_tables()
    time = Time(text, format="isot", scale="utc", precision=6)
    return Moment(f"{time.utc.isot}Z", str(time.tai.isot))


@pytest.mark.filterwarnings("ignore")
@given(ANY | NEAR_LEAPS, st.integers(1, 6))
def test_a_plain_time_is_what_astropy_makes_of_it(text, digits):
    whole, dot, fraction = text.partition(".")
    text = whole + dot + fraction[:digits]
    found = plain_time(text)
    assert found is not None
    assert Moment(*found) == by_astropy(text) == moment(f"{text}Z", Findings(), keyword="DATE-OBS")


@pytest.mark.parametrize(
    "text",
    ["2016-12-31T23:59:60", "2026-02-30T00:00:00", "2026-01-01T24:00:00", "1971-12-31T00:00:00", "2026-01-01",
     "2026-01-01T00:00:00.1234567", "2026-01-01T00:00", "\u0662026-01-01T00:00:00", "2026-01-01T00:00:00+01:00", ""],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_astropy(text):
    assert plain_time(text) is None


def test_a_leap_second_and_a_day_that_is_none_end_as_before():
    findings = Findings()
    assert moment("2016-12-31T23:59:60", findings, keyword="DATE-OBS") == Moment(
        "2016-12-31T23:59:60.000000Z", "2017-01-01T00:00:36.000000"
    )
    assert not findings.warnings
    assert moment("2026-02-30T00:00:00", findings, keyword="DATE-OBS") == NO_TIME
    assert [each.code for each in findings.warnings] == ["TIME_UNREADABLE"]


def test_of_another_scale_or_some_seconds_later_astropy_tells():
    plain = moment("2026-11-21T05:00:00", Findings(), keyword="DATE-OBS")
    assert plain == Moment("2026-11-21T05:00:00.000000Z", "2026-11-21T05:00:37.000000")
    assert moment("2026-11-21T05:00:37", Findings(), keyword="DATE-OBS", scale="tai") == plain
    later = moment("2026-11-21T05:00:00", Findings(), keyword="DATE-OBS", plus_s=30.5)
    assert later.utc == "2026-11-21T05:00:30.500000Z"
