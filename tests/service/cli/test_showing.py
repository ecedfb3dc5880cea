"""What a check found, as a person reads it: a value is never hidden behind the words beside it."""

import pytest

from service.cli.showing import outcome


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((True, 139.8, "s", None), "passed: 139.8 s"),
        ((None, 0.3002, None, "of all 16384 pixels"), "recorded: 0.3002; of all 16384 pixels"),
        ((False, 1.9, "arcsec", "found 1.9, wanted < 1.2"), "FAILED: 1.9 arcsec; found 1.9, wanted < 1.2"),
        ((True, "ASDF", None, "the format ASDF"), "passed: the format ASDF"),
        ((None, "128x128", None, None), "recorded: 128x128"),
        ((None, None, None, "no size was announced"), "not judged: no size was announced"),
        ((None, 0, None, None), "recorded: 0"),
        ((True, 144898.0, None, None), "passed: 144898"),
        ((True, None, None, None), "passed"),
    ],
)
def test_a_result_is_told_with_its_value_its_unit_and_its_words(found, told):
    assert outcome(*found) == told
