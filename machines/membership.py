"""Which group a file belongs to, and which place it has there: rules by name, from a file's name and its metadata."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from events.group import MEMBERS_AT_MOST, CountMember, ExpectGroup, Kind, MemberStatus, Parents, Range

__all__ = ["RULES", "SENSORS", "Membership", "membership", "sensors_expected"]

Metadata = Mapping[str, Any]


class Membership(NamedTuple):
    """A file's place: the group's id within its stream; ``place`` is None where the file does not say which it is."""

    group: str
    kind: Kind
    place: int | None
    role: str = "primary"
    parents: Parents = Parents()
    expected: int | None = None

    def counted(self, member: str, status: MemberStatus) -> CountMember:
        """The request that counts the file in its group."""
        told = {"member": member, "status": status, "place": self.place, "role": self.role}
        return CountMember.model_validate(
            {**told, "kind": self.kind, "parents": self.parents, "expected": self.expected}
        )


def membership(rule: str, *, name: str, metadata: Metadata) -> Membership | None:
    """Where this rule puts a file; None: in no group. Raises KeyError if there is no such rule.

    ``name`` is the file's name, with or without its extension; ``metadata`` as in ``file.validated``.
    """
    return RULES[rule](name, metadata)


# --- DKIST: frame → dataset (DSETID) → instrument program (IP_ID) → observing program (OBSPR_ID) ---


def _dkist_dataset(_name: str, metadata: Metadata, *, origin: int) -> Membership | None:
    """A Level 1 frame; its place follows from the DINDEXn of the axes that the dataset's files span (SPEC-0214).

    The data centre's pipelines count them from 1, its simulator from 0; one frame alone does not tell which.
    """
    header = metadata.get("extra") or {}
    dataset = _text(header.get("DSETID"))
    if dataset is None:
        return None
    parents = Parents(
        op=_text(header.get("OBSPR_ID")),
        program=_text(header.get("IP_ID")),
        dataset=dataset,
        instrument=_text(metadata.get("instrument")) or _text(header.get("INSTRUME")),
        proposal=_text(header.get("PROP_ID")),
    )
    place, expected = _place_in_axes(header, origin)
    return Membership(dataset, "dataset", place, parents=parents, expected=expected)


def _place_in_axes(header: Metadata, origin: int) -> tuple[int | None, int | None]:
    axes, within = _number(header.get("DNAXIS")), _number(header.get("DAAXES"))
    if axes is None or within is None or not within <= axes <= 16:
        return None, None
    place, expected = 0, 1
    for axis in range(within + 1, axes + 1):
        length, index = _number(header.get(f"DNAXIS{axis}")), _number(header.get(f"DINDEX{axis}"))
        if length is None or index is None or not origin <= index < length + origin:
            return None, None
        place, expected = place + (index - origin) * expected, expected * length
    return (place, expected) if expected <= MEMBERS_AT_MOST else (None, None)


# --- Rubin: sensor image → exposure ---

_CORNERS = ("00", "04", "40", "44")
_RAFTS = [f"{row}{column}" for row in range(5) for column in range(5) if f"{row}{column}" not in _CORNERS]

SENSORS = {
    name: number
    for number, name in enumerate(
        [
            *(f"R{raft}_S{row}{column}" for raft in _RAFTS for row in range(3) for column in range(3)),
            *(f"R{raft}_{kind}{each}" for raft in _CORNERS for kind in ("SG", "SW") for each in (0, 1)),
        ]
    )
}
"""Detectors of LSSTCam by name, in the camera's own numbering: 189 science, then guiders and wavefront by corner."""

_RUBIN = re.compile(
    r"(?P<exposure>[A-Z]{2}_[A-Z]_\d{8}_\d{6})_(?P<sensor>R\d\d_S[0-9GW]\d)(_guider)?(?P<suffix>\.[a-z.]+)?"
)


def _rubin_exposure(name: str, metadata: Metadata) -> Membership | None:
    """A sensor's image, or the JSON beside it; the manifest says what to expect (``sensors_expected``)."""
    found = _RUBIN.fullmatch(name)
    if found is None:
        return None
    role = "sidecar" if found["suffix"] == ".json" else "primary"
    parents = Parents(instrument=_text(metadata.get("instrument")))
    return Membership(found["exposure"], "exposure", SENSORS.get(found["sensor"]), role, parents)


def sensors_expected(sensors: Iterable[str], *, with_guiders: bool = True, **more: Any) -> ExpectGroup:
    """What an expected-sensors manifest comes to. It lists no guiders, which come all the same; ``more``: due_at …

    Raises ValueError with the sensors that no camera of ours has.
    """
    listed = set(sensors)
    strange = sorted(listed - SENSORS.keys())
    if strange:
        raise ValueError(f"found the sensors {', '.join(strange[:8])}, wanted names such as R22_S11")
    if with_guiders:
        listed |= {each for each in SENSORS if "_SG" in each}
    places = sorted(SENSORS[each] for each in listed)
    told = {"kind": "exposure", "by": "manifest", "sidecar_needed": True, "ranges": _ranges(places)}
    return ExpectGroup.model_validate({**told, **more})


def _ranges(places: list[int]) -> list[Range]:
    found: list[list[int]] = []
    for place in places:
        if found and found[-1][1] == place - 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return [Range(first=first, last=last) for first, last in found]


# --- Roman: detector image → exposure of a visit ---

_ROMAN = re.compile(r"(?P<exposure>r\d{19}_\d{4})_wfi(?P<detector>\d\d)_[a-z0-9]+_[a-z0-9]+(\.asdf)?")
_ROMAN_DETECTORS = 18


def _roman_exposure(name: str, metadata: Metadata) -> Membership | None:
    """One of the 18 detectors of the Wide Field Instrument; the visit is in the name, before the exposure."""
    found = _ROMAN.fullmatch(name)
    if found is None:
        return None
    detector = int(found["detector"])
    place = detector - 1 if 1 <= detector <= _ROMAN_DETECTORS else None
    parents = Parents(program=_text(metadata.get("program")), instrument=_text(metadata.get("instrument")))
    return Membership(found["exposure"], "exposure", place, parents=parents, expected=_ROMAN_DETECTORS)


RULES: dict[str, Callable[[str, Metadata], Membership | None]] = {
    "dkist-dataset": partial(_dkist_dataset, origin=1),
    "dkist-dataset-from-0": partial(_dkist_dataset, origin=0),
    "rubin-exposure": _rubin_exposure,
    "roman-exposure": _roman_exposure,
}
"""Membership rules by the name that a stream's configuration gives."""


def _text(value: object) -> str | None:
    return value.strip()[:255] or None if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
