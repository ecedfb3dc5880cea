"""What programs of the harness are made of: their home, a dataset's record, products that really lie there."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from consumers.catalogue.record import read_record
from consumers.homes import Home, criteria_in_force
from events.op_asks import HandInOp
from events.op_parts import Dataset
from events.op_requests import DiscoverOp
from events.program_policy import ObservingPrograms
from events.stream import RetryPolicy, StreamConfiguration

__all__ = [
    "DATASET",
    "HOME",
    "SENDER",
    "discovery_of",
    "hand_in_of",
    "home_stream",
    "program_of",
    "record_of",
]

HOME, SENDER = "programs-home", "catalogue"
"""The stream that is their home, and who tells of datasets as they come."""

DATASET = "AAAA"
"""The one that each program has."""

_FRAMES = 8


def home_stream(landing: Path, products: Path, *, portal: str) -> StreamConfiguration:
    """Nothing has to be staged there; what fails for the moment is tried again soon."""
    programs = ObservingPrograms(
        output_roots=(f"{products.as_uri()}/",), portal=portal, doi_prefix="10.5072", publisher="faults"
    )
    return StreamConfiguration(
        stream=HOME,
        senders=(SENDER,),
        roots=(f"{landing.as_uri()}/",),
        programs=programs,
        retry=RetryPolicy(tries=100, first_s=1.0, factor=1.5, max_s=5.0),
    )


def program_of(op: str) -> str:
    """Its only instrument program."""
    return f"id.{op}"


def record_of(op: str, *, is_fit: bool = True) -> dict[str, Any]:
    """Its dataset as the metadata store has it; one that is not fit was taken with the GOS closed."""
    state = "open" if is_fit else "closed"
    return {
        "datasetId": DATASET,
        "createDate": "2024-01-01T00:00:00",
        "updateDate": "2024-01-01T00:00:00",
        "startTime": "2023-12-31T17:00:00",
        "endTime": "2023-12-31T17:30:00",
        "exposureTime": 5.0,
        "isEmbargoed": False,
        "embargoEndDate": None,
        "primaryExperimentId": "eid_faults",
        "primaryProposalId": "pid_faults",
        "observingProgramExecutionId": op,
        "instrumentProgramExecutionId": program_of(op),
        "instrumentName": "VISP",
        "datasetSize": 2,
        "frameCount": _FRAMES,
        "headerVersion": "3.6.0",
        "boundingBox": "(100.0,100.0),(-100.0,-100.0)",
        "stokesParameters": "IQUV",
        "wavelengthMin": 630.0,
        "wavelengthMax": 630.6,
        "health": {"good": _FRAMES, "bad": None, "ill": None, "unknown": None},
        "gosStatus": {state: _FRAMES},
        "aoLocked": _FRAMES,
        "lightLevel": {"min": 380.0, "p25": 385.0, "med": 390.0, "p75": 395.0, "max": 400.0},
    }


def discovery_of(op: str, *, is_fit: bool = True) -> DiscoverOp:
    """What a scan says that sees it for the first time."""
    return DiscoverOp(source="faults", datasets=(_dataset(op, is_fit=is_fit),))


def hand_in_of(products: Path, op: str, *, commit: str = "0123abc", sha256: str | None = None) -> HandInOp:
    """One small product, on disk when this returns; always the same bytes. ``sha256``: None: as they are."""
    content = f"an inversion of {op}".encode()
    path = products / op / "inv.fits"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    found = hashlib.sha256(content).hexdigest()
    output = {"name": path.name, "uri": path.as_uri(), "sha256": sha256 or found}
    software = {"repository": "https://example.org/inversion.git", "commit": commit}
    return HandInOp.model_validate({"outputs": [output], "inputs": [DATASET], "software": software})


def _dataset(op: str, *, is_fit: bool) -> Dataset:
    found = read_record(record_of(op, is_fit=is_fit), _significant()).dataset
    if found is None:
        raise ValueError(f"{op}: its record can't be read")
    return found


@cache
def _significant() -> frozenset[str]:
    return frozenset[str]().union(*(each.reads for each in criteria_in_force(Home())))
