"""Times and directions are found on any day, without a network: the tables of the Earth's rotation do not run out."""

from datetime import date

import pytest
from astropy.time import Time
from astropy.utils.iers import IERS_Auto

from consumers.formats.findings import Findings
from consumers.formats.times import moment
from service.demo.dkist import Scan


@pytest.fixture(params=["2026-12-31T00:00:00", "2036-01-01T00:00:00"])
def that_day(request, monkeypatch):
    """The day on which astropy thinks it is, long after its tables were made."""
    monkeypatch.setattr(IERS_Auto, "time_now", Time(request.param))
    monkeypatch.setattr(IERS_Auto, "iers_table", None)
    return request.param


def test_a_time_in_ut1_is_read(that_day):
    findings = Findings()
    found = moment(that_day, findings, keyword="DATE-OBS", scale="ut1")
    assert abs(Time(found.utc.removesuffix("Z")) - Time(that_day)).sec < 1
    assert findings.warnings == ()


def test_frames_of_that_night_are_made(that_day):
    scan = Scan(seed=7, night=date.fromisoformat(that_day[:10]), steps=1, shape=(4, 4))
    headers = [frame.header() for frame in scan]
    assert [header["DATE-BEG"][:10] for header in headers] == [that_day[:10]] * 4
