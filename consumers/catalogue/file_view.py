"""Our own files as a catalogue: rows of frames in, one record a dataset out, in the shape of any other catalogue."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from consumers.catalogue.frame_box import Box, box_of, union
from consumers.catalogue.look import Look, Seen

__all__ = ["FileView"]

_STOKES = "IQUV"
_GIB = 1 << 30
_TEXTS = (
    "OBSPR_ID",
    "IP_ID",
    "INSTRUME",
    "PROP_ID",
    "EXPER_ID",
    "HEADVERS",
    "DSHEALTH",
    "GOS_STAT",
    "STOKES",
)


class FileView:
    """Datasets as our frames tell of them: rows of ``v1.file_metadata`` whose ``extra`` has the frame's keywords.

    ``rows`` gives them ordered by dataset (``DSETID``), so that only one dataset is held at a time; one with a row
    that ``is_arriving`` is not whole yet. Sizes and embargoes are the files' own. What no row says, the record does not
    say either. The box is that of all frames which say where they point.
    """

    def __init__(
        self, rows: Callable[[], Iterable[Mapping[str, Any]]], *, name: str = "v1.file_metadata"
    ) -> None:
        self._rows = rows
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def records(self, look: Look) -> Iterator[Seen]:
        """One record of each dataset; frames that name none are a gap."""
        nameless = 0
        done: set[str] = set()
        for dataset, frames in groupby(self._rows(), key=lambda row: _extra(row).get("DSETID")):
            if not isinstance(dataset, str) or not dataset:
                nameless += sum(1 for _ in frames)
            elif dataset in done:
                found = f"{sum(1 for _ in frames)} frames of {dataset} after those of others"
                look.missed(self._name, found, "rows ordered by dataset", "order them")
            else:
                done.add(dataset)
                tally = _Tally()
                for row in frames:
                    tally.add(row)
                raw = {"datasetId": dataset, **tally.members()}
                yield Seen(f"{self._name}[{dataset}]", raw, tally.is_arriving)
        if nameless:
            look.missed(
                self._name, f"{nameless} frames that name no dataset", "DSETID in each", "look at them"
            )

    def again(self, dataset_ids: Sequence[str]) -> list[Seen] | None:  # noqa: ARG002 - the rows say all there is
        return None


def _extra(row: Mapping[str, Any]) -> Mapping[str, Any]:
    extra = row.get("extra")
    return extra if isinstance(extra, Mapping) else {}


class _Tally:
    """Sums over the frames of one dataset: memory for its distinct values, and a number for each frame's light."""

    def __init__(self) -> None:
        self._frames = 0
        self._locked = 0
        self._texts: dict[str, Counter[str]] = {name: Counter() for name in _TEXTS}
        self._lowest: dict[str, Any] = {}
        self._highest: dict[str, Any] = {}
        self._light: dict[str, list[float]] = {"LIGHTLVL": [], "ATMOS_R0": []}
        self._box: Box | None = None
        self._bytes: int | None = None
        self._embargoed: bool | None = None
        self._embargo_ends: list[str | None] = []
        self.is_arriving = False

    def add(self, row: Mapping[str, Any]) -> None:
        """One frame."""
        said = _extra(row)
        self._frames += 1
        self.is_arriving = self.is_arriving or row.get("is_arriving") is True
        self._locked += said.get("AO_LOCK") is True
        for name, counts in self._texts.items():
            if isinstance(said.get(name), str):
                counts[said[name].strip()] += 1
        self._store(row)
        for name in ("WAVEMIN", "WAVEMAX", "XPOSURE"):
            self._reach(name, _number(said.get(name)))
        self._reach("DATE", _time(said.get("DATE")))
        self._reach("BEGIN", _time(row.get("obs_start_utc")))
        self._reach("END", _time(row.get("obs_end_utc")))
        self._box = union(self._box, box_of(said))
        for name, numbers in self._light.items():
            number = _number(said.get(name))
            if number is not None:
                numbers.append(number)

    def _store(self, row: Mapping[str, Any]) -> None:
        """What is known of the file, not from its header: its size, and whom it is for."""
        size = _number(row.get("size_bytes"))
        if size is not None:
            self._bytes = (self._bytes or 0) + int(size)
        if isinstance(row.get("is_embargoed"), bool):
            self._embargoed = bool(self._embargoed or row["is_embargoed"])
        if row.get("is_embargoed") is True:
            self._embargo_ends.append(_time(row.get("embargo_until")))

    def members(self) -> dict[str, Any]:
        """As a catalogue's record has them. Made when its last frame was made; frames that differ in what a dataset
        has one of give a text of all their values, which is nobody's OP.
        """
        stokes = "".join(each for each in _STOKES if self._texts["STOKES"][each])
        return {
            "observingProgramExecutionId": self._one("OBSPR_ID"),
            "instrumentProgramExecutionId": self._one("IP_ID"),
            "instrumentName": self._one("INSTRUME"),
            "primaryProposalId": self._one("PROP_ID"),
            "primaryExperimentId": self._one("EXPER_ID"),
            "headerVersion": self._one("HEADVERS"),
            **self._stored(),
            "frameCount": self._frames,
            "createDate": self._highest.get("DATE"),
            "updateDate": self._highest.get("DATE"),
            "startTime": self._lowest.get("BEGIN"),
            "endTime": self._highest.get("END"),
            "wavelengthMin": self._lowest.get("WAVEMIN"),
            "wavelengthMax": self._highest.get("WAVEMAX"),
            "boundingBox": None if self._box is None else str(self._box),
            "stokesParameters": stokes or None,
            "aoLocked": self._locked,
            "health": self._counted("DSHEALTH"),
            "gosStatus": self._counted("GOS_STAT"),
            "lightLevel": _spread(self._light["LIGHTLVL"]),
            "friedParameter": _spread(self._light["ATMOS_R0"]),
        }

    def _stored(self) -> dict[str, Any]:
        """Only what is known; an embargo ends with the last of its frames', and never where one of them has no end."""
        found: dict[str, Any] = {}
        if self._bytes is not None:
            found["datasetSize"] = round(self._bytes / _GIB, 3)
        if "XPOSURE" in self._highest:
            found["exposureTime"] = self._highest["XPOSURE"]
        if self._embargoed is not None:
            ends = [each for each in self._embargo_ends if each is not None]
            never = len(ends) < len(self._embargo_ends)
            found |= {
                "isEmbargoed": self._embargoed,
                "embargoEndDate": None if never else max(ends, default=None),
            }
        return found

    def _one(self, name: str) -> str | None:
        """What all frames say; several values are no identifier, and the reader of records says so."""
        values = sorted(self._texts[name])
        return values[0] if len(values) == 1 else "\n".join(values) or None

    def _counted(self, name: str) -> dict[str, int]:
        return {value.lower(): count for value, count in self._texts[name].items()}

    def _reach(self, name: str, value: Any) -> None:
        if value is not None:
            self._lowest[name] = min(self._lowest.get(name, value), value)
            self._highest[name] = max(self._highest.get(name, value), value)


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else None


def _time(value: Any) -> str | None:
    """In one spelling, so that the earliest text is the earliest time."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    if not isinstance(moment, datetime):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")


def _spread(numbers: Sequence[float]) -> dict[str, float] | None:
    """Smallest, quartiles and largest."""
    if not numbers:
        return None
    ordered = sorted(numbers)
    last = len(ordered) - 1
    shares = {"min": 0.0, "p25": 0.25, "med": 0.5, "p75": 0.75, "max": 1.0}
    return {name: ordered[round(share * last)] for name, share in shares.items()}
