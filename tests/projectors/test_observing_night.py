"""Which night a moment belongs to, by the rule of its observatory."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projectors.observing_night import BEGINS_AFTER, night_of

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("rule", "moment", "day"),
    [
        ("utc", "2026-11-21T00:00:00Z", date(2026, 11, 21)),
        ("utc", "2026-11-20T23:59:59Z", date(2026, 11, 20)),
        ("utc-12h", "2026-11-21T11:59:59Z", date(2026, 11, 20)),
        ("utc-12h", "2026-11-21T12:00:00Z", date(2026, 11, 21)),
        ("hawaii", "2026-11-21T09:59:59Z", date(2026, 11, 20)),
        ("hawaii", "2026-11-21T10:00:00Z", date(2026, 11, 21)),
    ],
)
def test_nights_change_when_the_observatory_says(rule, moment, day):
    assert night_of(datetime.fromisoformat(moment), rule).day == day


@given(moment=MOMENTS, rule=st.sampled_from(sorted(BEGINS_AFTER)))
def test_every_moment_lies_in_its_night_and_in_no_other(moment, rule):
    night = night_of(moment, rule)
    assert night.begin <= moment < night.end
    assert night_of(night.day, rule) == night
    assert night_of(night.day + timedelta(days=1), rule).begin == night.end


def test_every_rule_of_a_stream_is_known():
    from events.stream import StreamConfiguration

    field = StreamConfiguration.model_fields["observing_day"]
    assert set(BEGINS_AFTER) == set(field.annotation.__args__)
