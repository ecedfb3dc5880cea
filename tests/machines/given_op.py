"""Observing programs in the states that tests begin from, each reached through the real desk."""

from collections.abc import Callable
from typing import Any

from events.op_parts import Cover
from tests.machines.given import SHA_A, Story

NOW = "2026-11-21T05:00:00Z"
VISP, VBI = "id.visp", "id.vbi"
LEASE = {"lease_from": NOW, "lease_s": 1000}
OP_ID = "eid_1_118_opAvoqBr_R001.82591.13964206"
SOMEBODY, REVIEWER = "somebody", "reviewer"


def a_dataset(name: str, program: str = VISP, *, digest: str | None = None, **more: Any) -> dict[str, Any]:
    """A dataset of a catalogue, as the scan reports it; its digest is made of its name unless given."""
    instrument = more.pop("instrument", "VBI" if program == VBI else "VISP")
    made = digest or f"{int.from_bytes(name.encode()):032x}"[-32:]
    return {"dataset": name, "program": program, "instrument": instrument, "digest": made, **more}


def cover(story: Story, program: str = VISP) -> dict[str, Any]:
    """What a report on the program has to carry now; of one that is not known, that of nothing."""
    known = story.state.state.programs.get(program)
    return dict(known.cover) if known else Cover(datasets=0).model_dump()


def a_verdict(story: Story, outcome: str = "pass", program: str = VISP, **more: Any) -> dict[str, Any]:
    """Data of ``op.judge``: one required criterion, met or not as the outcome wants it."""
    finding = {"name": "health", "metric": "health.good", "comparison": ">=", "threshold": 0.75, "value": 0.9}
    findings = [{**finding, "margin": 0.15, "passed": outcome == "pass", "dataset": None}]
    told = {
        "program": program, "instrument": "VBI" if program == VBI else "VISP", "criteria": "visp",
        "criteria_version": 1, "outcome": outcome, "cover": cover(story, program),
        "findings": [] if outcome == "not_applicable" else findings,
    }  # fmt: skip
    return {"verdict": {**told, **more}}


def outputs(*names: str) -> list[dict[str, Any]]:
    """Products as they are handed in."""
    return [{"name": name, "uri": f"s3://work/{name}", "sha256": SHA_A, "size_bytes": 10} for name in names]


def products(**more: Any) -> dict[str, Any]:
    """Data of ``op.hand_in`` that holds."""
    software = {"repository": "https://example.org/inversion.git", "commit": "0123abc"}
    return {"outputs": outputs("stokes.fits"), "inputs": ["A"], "software": software, **more}


VERIFIED = {"outputs_verified": 1, "size_bytes": 10, "commit": "found"}
FAILED = {"step": "preprocess", "code": "DISK_FULL", "failure_class": "infrastructure", "message": "no room"}

Step = Callable[[Story], Any]

_STEPS: dict[str, Step] = {
    "discover": lambda op: op.ask("discover", {"source": "catalogue", "datasets": [a_dataset("A")]}),
    "ready": lambda op: op.ask("ready", {"by": "operator"}, reason="all is there"),
    "pass": lambda op: op.ask("judge", a_verdict(op)),
    "not pass": lambda op: op.ask("judge", a_verdict(op, "fail")),
    "stage": lambda op: op.ask("not_needed", {"program": VISP, "cover": cover(op), "because": "it is small"}),
    "claim": lambda op: op.ask("claim", {"program": VISP, **LEASE}),
    "hand in": lambda op: op.ask("hand_in", products()),
    "verify": lambda op: op.ask("inverted", VERIFIED),
    "accept": lambda op: op.ask("review", {"decision": "accept", "note": "good"}, actor=REVIEWER),
    "publish": lambda op: op.ask("publish"),
    "package": lambda op: op.ask("step_done", {"step": "package"}),
    "archive": lambda op: op.ask("step_done", {"step": "archive"}),
    "announce": lambda op: op.ask("step_done", {"step": "announce", "acknowledgement": "ack-1"}),
    "published": lambda op: op.ask("published", {}),
    "fail": lambda op: op.ask("fail", {**FAILED, "program": VISP}),
    "fail at last": lambda op: op.ask("fail", {**FAILED, "step": "archive"}, attempt=1),
    "reinvert": lambda op: op.ask("reinvert", {"program": VISP, **LEASE}),
    "release": lambda op: op.ask("release"),
    "withdraw": lambda op: op.ask("withdraw", reason="a mistake"),
    "hold": lambda op: op.ask("hold", reason="wait"),
}

READY = ("discover", "ready")
INVERTIBLE = (*READY, "pass")
PREPROCESSED = (*INVERTIBLE, "stage")
WORKING = (*PREPROCESSED, "claim")
INVERTED = (*WORKING, "hand in", "verify")
STEPS = ("package", "archive", "announce")
PUBLISHING = (*INVERTED, "accept", "publish")
PUBLISHED = (*PUBLISHING, *STEPS, "published")


def an_op(*steps: str) -> Story:
    """An observing program that was taken through these steps; each has to be accepted."""
    story = Story("op", OP_ID)
    for step in steps:
        take(story, step)
    return story


def take(story: Story, step: str) -> None:
    """One step of those above, which has to be accepted."""
    record = _STEPS[step](story)
    assert not record.is_refusal, (step, record.data["reasons"])


def reasons(record: Any) -> list[str]:
    """Why a request was refused."""
    assert record.is_refusal, record.type
    return record.data["reasons"]


def program(story: Any, name: str = VISP) -> Any:
    """Where an instrument program stands."""
    return story.state.state.programs[name]
