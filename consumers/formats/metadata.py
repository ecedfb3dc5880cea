"""The metadata every format fills in, with units and time scale in the names, plus a bounded rest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from consumers.formats.findings import Findings
from consumers.formats.inspection import Scalar, members
from consumers.formats.text import as_scalar, clean, shortened

__all__ = ["MAX_BEYOND_BYTES", "MAX_VALUE_CHARACTERS", "Metadata"]

MAX_EXTRA_BYTES = 32 * 1024
MAX_EXTRA_VALUES = 1_000
MAX_VALUE_CHARACTERS = 8_000  # the longest a value in CONTINUE cards was seen to have is 5,000
MAX_BEYOND_BYTES = 1024**2  # of JSON; a child's answer has room for four times as much


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says of itself; None where it does not say. Times are ISO 8601, UTC with ``Z``, TAI without."""

    instrument: str | None = None
    exposure_id: str | None = None
    visit_id: str | None = None
    detector: str | None = None
    filter: str | None = None
    obs_start_utc: str | None = None
    obs_end_utc: str | None = None
    obs_start_tai: str | None = None
    obs_end_tai: str | None = None
    exposure_s: float | None = None
    program: str | None = None
    purpose: str | None = None
    target: str | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    footprint: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The metadata as JSON holds it; what did not fit into ``extra`` is counted in ``extra_omitted``."""
        plain = {name: _bounded(value) for name, value in members(self).items() if name != "extra"}
        extra, omitted = _bounded_extra(self.extra)
        return {**plain, "extra": extra, "extra_omitted": omitted}

    def reported(self, findings: Findings) -> dict[str, Any]:
        """The same, with a warning for each value that had to be cut, and for those that had to be left out."""
        named = {name: value for name, value in members(self).items() if name != "extra"}
        for name, value in {**self.extra, **named}.items():
            length = len(str(value)) if isinstance(value, str) else 0
            if length > MAX_VALUE_CHARACTERS:
                wanted = f"<= {MAX_VALUE_CHARACTERS} characters"
                text = f"{shortened(name, 100)} has {length} characters, of which the record has {MAX_VALUE_CHARACTERS}"
                findings.warn("METADATA_TOO_LONG", text, keyword=name, found=value, wanted=wanted)
        plain = self.to_dict()
        if plain["extra_omitted"]:
            text = f"{plain['extra_omitted']} further values have no room in the record; the file has all"
            findings.warn("METADATA_TRIMMED", text, found=str(plain["extra_omitted"]), wanted="0")
        return plain

    def beyond(self) -> dict[str, str]:
        """The values that had to be cut, whole, as far as they are not more than anybody could have meant."""
        named = {name: value for name, value in members(self).items() if name != "extra"}
        kept: dict[str, str] = {}
        room = MAX_BEYOND_BYTES
        for name, value in {**self.extra, **named}.items():
            if not isinstance(value, str) or len(value) <= MAX_VALUE_CHARACTERS or len(value) > room:
                continue
            key, whole = shortened(name, 200), clean(value)
            size = len(json.dumps({key: whole}))
            if size <= room:
                kept[key] = whole
                room -= size
        return kept


def _bounded(value: object) -> Scalar:
    scalar = as_scalar(value)
    return shortened(scalar, MAX_VALUE_CHARACTERS) if isinstance(scalar, str) else scalar


def _bounded_extra(values: Mapping[str, object]) -> tuple[dict[str, Scalar], int]:
    """The first values that fit into ``MAX_EXTRA_BYTES`` of JSON, and how many did not."""
    kept: dict[str, Scalar] = {}
    room = MAX_EXTRA_BYTES - 2
    for name, value in values.items():
        key, scalar = shortened(name, 200), _bounded(value)
        size = len(json.dumps({key: scalar}, ensure_ascii=False).encode())
        if size <= room and len(kept) < MAX_EXTRA_VALUES:
            kept[key] = scalar
            room -= size
    return kept, len(values) - len(kept)
