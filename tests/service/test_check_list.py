"""The list of checks: as they are declared, and as one stream has them judged."""

from consumers.checks import known_checks
from events.stream import StreamConfiguration
from service.check_list import listed

CONFIGURATION = StreamConfiguration.model_validate(
    {
        "stream": "keck",
        "format": "keck-raw-fits",
        "checks": ["fits_datasum", "dec_in_range"],
        "qa": [
            {"check": "exposure_plausible", "level": "critical", "threshold": [0, 3600]},
            {"check": "exposure_positive", "level": "off", "purposes": ["engineering"]},
            {"check": "airmass", "level": "advisory", "comparison": "<=", "threshold": 2},
        ],
    }
)


def by_name(rows):
    return {row["check"]: row for row in rows}


def test_without_a_stream_every_check_is_as_it_declares():
    rows = by_name(listed(known_checks().values()))
    assert set(rows) == set(known_checks())
    assert (rows["time_order"]["level"], rows["time_order"]["comparison"], rows["time_order"]["threshold"]) == (
        "advisory", ">=", 0,
    )  # fmt: skip


def test_checks_that_cannot_judge_a_format_are_left_out():
    rows = by_name(listed(known_checks().values(), format_name="keck-raw-fits"))
    assert "roman_filter_known" not in rows
    assert "pixel_spread" in rows


def test_the_streams_rules_stand_over_what_is_declared():
    rows = listed(known_checks().values(), format_name="keck-raw-fits", configuration=CONFIGURATION)
    told = by_name(rows)
    assert len(told) == len(rows)
    plausible = told["exposure_plausible"]
    assert (plausible["level"], plausible["threshold"], plausible["unit"]) == ("critical", "0, 3600", "s")
    assert plausible["comparison"] == "between"
    assert (told["exposure_positive"]["level"], told["exposure_positive"]["purposes"]) == (
        "off", ["engineering"],
    )  # fmt: skip
    assert (told["airmass"]["says"], told["airmass"]["threshold"]) == ("A value that the format records.", 2)
    assert told["dec_in_range"]["level"] == "critical"
    assert told["fits_datasum"]["level"] == "critical"
    assert told["time_order"]["level"] == "advisory"
