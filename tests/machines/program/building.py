"""Datasets for tests of judgement; a test spells out only what it is about."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from events.op_parts import Dataset

__all__ = ["a_dataset"]


def a_dataset(name: str = "AAAAA", **members: Any) -> Dataset:
    """A VISP dataset of 400 frames that meets every criterion; ``members`` by their path."""
    frames = members.pop("frames", 400)
    values: dict[str, Any] = {
        "health.good": frames, "gos.open": frames, "ao_locked": frames, "stokes": "IQUV",
        "bounding_box": (-60.0, -47.5, -77.1, -67.2), "wavelength_min_nm": 629.4, "wavelength_max_nm": 631.0,
        "light_level.med": 390.0, "fried_m.med": 0.09,
    }  # fmt: skip
    given = {name: members.pop(name) for name in list(members) if name in Dataset.model_fields}
    values |= members.pop("say", {})
    assert not members, members
    return Dataset(
        **{
            "dataset": name,
            "program": "id.1.1",
            "instrument": "VISP",
            "digest": sha256(repr(values).encode()).hexdigest()[:32],
            "frames": frames,
            "created_at": datetime(2023, 1, 10, tzinfo=UTC),
            "started_at": datetime(2022, 6, 2, 17, tzinfo=UTC),
            "values": {path: value for path, value in values.items() if value is not None},
            **given,
        }
    )
