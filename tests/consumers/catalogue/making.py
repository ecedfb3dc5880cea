"""Records and whole catalogues in the shape of the DKIST metadata store's answers, made up by the tests."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

__all__ = ["a_record", "an_answer", "records", "write_catalogue"]

FIRST = datetime(2023, 1, 10, 12)


def a_record(
    dataset: str = "AAAAA", op: str = "eid_1_1_opX_R001", program: str = "id.1.1", **members: Any
) -> dict[str, Any]:
    """A VISP dataset that meets every criterion, Fe I included; ``members`` replace what a test is about."""
    frames = members.get("frameCount", 400)
    record: dict[str, Any] = {
        "datasetId": dataset,
        "createDate": "2023-01-10T12:00:00.123456",
        "updateDate": "2023-11-06T22:01:08.581818",
        "startTime": "2022-06-02T17:22:50.175505",
        "endTime": "2022-06-02T17:47:30.855505",
        "exposureTime": 5.009,
        "isEmbargoed": False,
        "embargoEndDate": None,
        "primaryExperimentId": "eid_1_1",
        "primaryProposalId": "pid_1_1",
        "observingProgramExecutionId": op,
        "instrumentProgramExecutionId": program,
        "instrumentName": "VISP",
        "datasetSize": 2,
        "frameCount": frames,
        "headerVersion": "3.6.0",
        "boundingBox": "(-560.16,-347.5),(-677.17,-467.21)",
        "stokesParameters": "IQUV",
        "wavelengthMax": 631.0,
        "wavelengthMin": 629.4,
        "health": {"bad": None, "ill": None, "good": frames, "unknown": None},
        "gosStatus": {"open": frames, "closed": None, "closing": None, "opening": None, "undefined": None},
        "aoLocked": frames,
        "lightLevel": {"max": 403.7, "med": 392.6, "min": 383.8, "p25": 388.5, "p75": 398.7},
        "polarimetricAccuracy": None,
        "friedParameter": {"max": 0.13, "med": 0.09, "min": 0.02, "p25": 0.06, "p75": 0.11},
    }
    return {**record, **members}


def records(ops: int, programs: int = 2, datasets: int = 2) -> list[dict[str, Any]]:
    """A catalogue of VISP and VBI programs, arriving a day apart each."""
    made = []
    for op in range(ops):
        for program in range(programs):
            for each in range(datasets):
                at = FIRST + timedelta(days=op, hours=program, minutes=each)
                made.append(
                    a_record(
                        f"D{op:05d}{program}{each}",
                        f"eid_1_{op}_opX_R001.{op}",
                        f"id.{op}.{program}",
                        instrumentName="VBI" if program % 2 else "VISP",
                        createDate=at.isoformat(),
                    )
                )
    return made


def an_answer(found: list[Any], **beside: Any) -> dict[str, Any]:
    """As GraphQL answers it."""
    return {"data": {"datasetInventories": found}, **beside}


def write_catalogue(path: Path, found: list[Any], **beside: Any) -> Path:
    """A catalogue's file, as the store's answer was kept."""
    path.write_text(json.dumps(an_answer(found, **beside), indent=2))
    return path
