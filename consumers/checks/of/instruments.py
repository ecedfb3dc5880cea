"""Checks that what a file says of its instrument exists there."""

from consumers.checks.check import check
from consumers.checks.look import Look

__all__ = ["roman_detector_known", "roman_filter_known"]

ROMAN = ("roman-wfi-l2-asdf",)


@check(wanted=("one_of", tuple(f"WFI{number:02d}" for number in range(1, 19))), formats=ROMAN)
def roman_detector_known(file: Look) -> str | None:
    """The wide-field instrument has eighteen detectors."""
    return file.metadata.detector


# The wheel's positions as the mission's schema names them (rad, wfi_optical_element).
@check(
    wanted=(
        "one_of",
        ("F062", "F087", "F106", "F129", "F146", "F158", "F184", "F213", "GRISM", "PRISM", "DARK"),
    ),
    formats=ROMAN,
)
def roman_filter_known(file: Look) -> str | None:
    """The element wheel has eleven positions."""
    return file.metadata.filter
