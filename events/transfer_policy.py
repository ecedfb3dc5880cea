"""How a stream's files come into the archive, as part of its configuration."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from events.types import Part

__all__ = ["LAYOUT_FIELDS", "TransferPolicy"]

LAYOUT_FIELDS = ("stream", "instrument", "role", "purpose", "year", "month", "day", "night", "group")
"""What a layout may name. ``night`` is the observing day, year, month and day are of the same; of a file that does not
say when it was taken they are ``undated``, and whatever else it does not say is ``unknown``."""

_STEPS_AT_MOST = 8
_STEP = re.compile(r"(?:[a-z0-9._-]|\{[a-z]+\})+")


def _is_layout(template: str) -> str:
    steps = template.split("/")
    if len(steps) > _STEPS_AT_MOST or not all(_STEP.fullmatch(step) and step.strip(".") for step in steps):
        raise ValueError(
            f"found {template!r}, wanted up to {_STEPS_AT_MOST} steps of small letters, digits, . _ - and fields "
            "in braces, with / between them, such as {night}/{instrument}"
        )
    unknown = [name for name in re.findall(r"\{([a-z]+)\}", template) if name not in LAYOUT_FIELDS]
    if unknown:
        raise ValueError(f"found the field {unknown[0]!r}, wanted one of {', '.join(LAYOUT_FIELDS)}")
    return template


class TransferPolicy(Part):
    """``in_place``: nothing is copied; a file is archived where it lies, once it was read there again and is right."""

    mode: Literal["copy", "in_place"] = "copy"
    layout: Annotated[str, AfterValidator(_is_layout)] | None = Field(
        None,
        description="folders between the destination's prefix and the key that names the file and its version",
    )
