"""The name a file carries inside must be the name it came under."""

from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError
from consumers.formats.text import shortened

__all__ = ["require_name"]


def require_name(keyword: str, inside: object, came_as: str, findings: Findings) -> None:
    """A critical check: the value of ``keyword`` is the name that the file came under."""
    found = shortened("nothing" if inside is None else str(inside).strip(), 200)
    with findings.critical("name_matches", value=found):
        if found != came_as:
            came = shortened(came_as, 200)
            raise InvalidFileError(
                "BAD_NAME",
                f"{keyword} is {found}, the file came as {came}; send it under the name it carries",
                found=found,
                wanted=came,
            )
