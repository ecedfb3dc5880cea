"""Lives of observing programs and of groups that take in every fact of theirs, for ``lives.py``."""

from collections.abc import Callable
from typing import Any

__all__ = ["group_lives", "op_lives"]

Ask = Callable[..., None]
SHA = "5c" * 32
LEASE = {"lease_from": "2026-11-21T04:00:00Z", "lease_s": 1_209_600}
PI, OTHER, REVIEWER, STEWARD = "0000-0002-1825-0097", "b-scientist", "a-reviewer", "a-steward"
VISP, VBI = "id.82591.13964206", "id.82591.13964207"
DIGESTS = {"BLKGA": "1" * 32, "AVORO": "2" * 32, "AJQWW": "3" * 32}


def op_lives(life: Callable[[str, str], Any]) -> list[Any]:
    """``life`` makes a subject of a machine that can be asked."""
    whole = life("op", "eid_1_118_opAvoqBr_R001.82591.13964206")
    _to_working(whole.ask)
    _to_published(whole.ask)
    _after_published(whole.ask)
    troubled = life("op", "eid_1_118_opAvoqBr_R002.82591.13964999")
    _troubled(troubled.ask)
    return [whole, troubled]


def group_lives(life: Callable[[str, str], Any]) -> list[Any]:
    """An exposure that is closed short and opened again, and a dataset that its members' headers bound."""
    exposure = life("group", "rubin-lsstcam/MC_O_20250430_000295")
    ask = exposure.ask
    parents = {"op": "survey", "instrument": "LSSTCam"}
    ask(
        "member",
        {"kind": "exposure", "member": "MC_O_20250430_000295_R22_S11", "place": 94, "status": "seen"},
    )
    manifest = {
        "kind": "exposure",
        "by": "manifest",
        "ranges": [{"first": 0, "last": 3}, {"first": 94, "last": 94}],
    }
    more = {
        "sidecar_needed": True,
        "due_at": "2026-11-21T04:05:00Z",
        "source": "expectedSensors",
        "parents": parents,
    }
    ask("expect", {**manifest, **more})
    ask("member", {"kind": "exposure", "member": "R22_S11", "place": 94, "status": "complete"})
    ask(
        "member",
        {"kind": "exposure", "member": "R22_S11", "place": 94, "role": "sidecar", "status": "complete"},
    )
    ask("member", {"kind": "exposure", "member": "guide", "status": "seen"})
    ask("member", {"kind": "exposure", "member": "R40_SG0", "place": 189, "status": "invalid"})
    ask("due", {"due_sequence": 2})
    ask("excuse", {"ranges": [{"first": 0, "last": 1}], "code": "DEAD_SENSOR"}, reason="both are off")
    ask("close", reason="the rest was never read out")
    ask("member", {"kind": "exposure", "member": "R00_SW0", "place": 2, "status": "complete"})
    ask("close", reason="still one is missing")
    ask("reopen", reason="it was found on a disk")
    ask("member", {"kind": "exposure", "member": "R00_SW1", "place": 3, "status": "dismissed"})
    ask("reopen", {})
    ask("note", {"text": "found after all"})
    dataset = life("group", "dkist/BLKGA")
    for place in (1, 0):
        told = {
            "kind": "dataset",
            "member": f"VBI_{place}",
            "place": place,
            "status": "complete",
            "expected": 2,
        }
        dataset.ask("member", {**told, "parents": {"op": "eid_1_118", "program": VBI, "dataset": "BLKGA"}})
    return [exposure, dataset]


def _dataset(name: str, program: str, **more: Any) -> dict[str, Any]:
    values = {
        "health.good": 171,
        "gos.open": 171,
        "ao_locked": 169,
        "stokes": "IQUV",
        "light_level.med": 392.67,
    }
    told = {
        "dataset": name,
        "program": program,
        "instrument": "VBI" if program == VBI else "VISP",
        "frames": 171,
    }
    times = {"created_at": "2022-12-08T17:35:01.857Z", "started_at": "2022-06-02T17:22:50.175505Z"}
    box = {"bounding_box": [-560.16, -347.5, -677.17, -467.21], "polarimetric_accuracy": None}
    return {**told, **times, "digest": DIGESTS[name], "size_bytes": 2, "values": {**values, **box}, **more}


def _cover(*names: str) -> dict[str, Any]:
    from events.op_parts import Cover

    return Cover.of((name, DIGESTS[name]) for name in names).model_dump()


def _verdict(program: str, outcome: str, *names: str) -> dict[str, Any]:
    finding = {
        "name": "health", "metric": "health.good", "comparison": ">=", "threshold": 0.75, "value": 1.0,
        "dataset": names[0], "margin": 0.25, "passed": outcome == "pass", "unit": "1", "source": "DKIST",
    }  # fmt: skip
    beside = {**finding, "name": "light", "metric": "light_level.med", "required": False, "passed": False}
    return {"verdict": {
        "program": program, "instrument": "VBI" if program == VBI else "VISP", "criteria": "visp",
        "criteria_version": 1, "outcome": outcome, "cover": _cover(*names),
        "findings": [] if outcome == "not_applicable" else [finding, beside],
    }}  # fmt: skip


def _to_working(ask: Ask) -> None:
    problem = {"path": "health.bad", "found": "null", "wanted": "a count"}
    ask("ready", {"by": "ready_event", "expected_datasets": 2})
    ask("discover", {
        "source": "datasets.json", "experiment": "eid_1_118", "proposal": "pid_1_118",
        "observing_program": "opAvoqBr", "repeat": "R001",
        "datasets": [_dataset("BLKGA", VBI), _dataset("AVORO", VISP, problems=[problem])],
    })  # fmt: skip
    ask("ready", {"program": VISP, "by": "ready_event", "expected_datasets": 2, "message": "all calibrated"})
    late = _dataset("AJQWW", VISP, is_embargoed=True, embargo_until="2027-01-01T00:00:00Z")
    ask("datasets", {"source": "datasets.json", "added": [late]})
    ask(
        "datasets",
        {"source": "datasets.json", "metadata": [{**late, "embargo_until": "2027-06-01T00:00:00Z"}]},
    )
    visp = _cover("AVORO", "AJQWW")
    wait = {"program": VISP, "due_at": "2026-11-28T04:00:00Z", "policy": "quiet-7d", "policy_version": 3}
    ask("await", {**wait, "cover": visp, "forecast": "complete with 90 % by 2026-11-24"})
    ask("quiet_due", {"due_sequence": 6})
    ask("judge", _verdict(VISP, "pass", "AVORO"))
    ask("judge", _verdict(VISP, "pass", "AVORO", "AJQWW"))
    ask("requalify", {"criteria": "visp", "criteria_version": 2})
    ask("judge", _verdict(VISP, "pass", "AVORO", "AJQWW"))
    staged = {"location": "/staging/op", "files": 342, "size_bytes": 9_000_000, "manifest_sha256": SHA}
    ask("preprocessed", {"program": VISP, "cover": visp, **staged, "manifest_uri": "s3://work/manifest.json"})
    ask("prioritise", {"priority": 10, "mark": True}, actor=STEWARD, reason="for the review in May")
    due = {"due_at": "2026-12-01T00:00:00Z", "lead_due_at": "2026-12-08T00:00:00Z"}
    ask("assign", {"owner": PI, "lead": STEWARD, **due}, actor=STEWARD, reason="they know the region")
    ask("overdue", {"due_sequence": 14})
    ask("overdue", {"due_sequence": 15})
    ask("claim", {"program": VISP, **LEASE, "orcid": PI, "rank": 1, "score": 12.5}, actor=PI)


def _to_published(ask: Ask) -> None:
    ask("claim", {"program": VISP, **LEASE}, actor=OTHER)
    ask("claim", {"program": VISP, **LEASE, "beside": [1]}, actor=OTHER, reason="another method")
    ask("extend", {**LEASE, "lease_s": 2_000_000}, actor=PI, attempt=1)
    ask("lease_due", {"due_sequence": 19})
    ask("lease_due", {"due_sequence": 21})
    ask("lease_due", {"due_sequence": 22})
    ask("release", actor=OTHER, attempt=2)
    handed = {
        "outputs": [{"name": "inv.fits", "uri": "s3://work/inv.fits", "sha256": SHA, "size_bytes": 402_653_184}],
        "inputs": ["AVORO", "AJQWW"], "message": "two components",
        "software": {"repository": "https://example.org/hazel.git", "commit": "0123abc", "version": "2.1"},
    }  # fmt: skip
    ask("hand_in", handed, actor=PI, attempt=1)
    ask("hand_in_refused", {"reasons": ["sha256 of inv.fits: found a0…"], **LEASE}, actor="worker", attempt=1)
    ask("hand_over", {**LEASE, "to": OTHER}, actor=PI, attempt=1)
    ask("hand_in", handed, actor=OTHER, attempt=1)
    verified = {
        "outputs_verified": 1,
        "size_bytes": 402_653_184,
        "commit": "unverified",
        "commit_message": "no network",
    }
    ask("inverted", verified, actor="worker", attempt=1)
    ask("review", {"decision": "rework", "note": "look at the edges", **LEASE}, actor=REVIEWER)
    ask("hand_in", handed, actor=OTHER)
    ask("inverted", {**verified, "commit": "found", "evidence": {"tag": "v2.1"}}, actor="worker", attempt=1)
    ask("review", {"decision": "accept", "note": "good"}, actor=REVIEWER)
    ask("publish", actor=STEWARD)
    ask(
        "step_done",
        {"step": "package", "manifest_uri": "s3://work/m.json", "manifest_sha256": SHA, "objects": 3},
    )
    failed = {"step": "archive", "code": "NO_ROOM", "failure_class": "infrastructure", "message": "no room"}
    ask("fail", {**failed, "due_at": "2026-11-21T06:00:00Z", "found": "0", "wanted": "1"}, attempt=1)
    ask("recover", {"due_sequence": 36})
    ask("step_done", {"step": "archive", "objects": 3, "size_bytes": 402_653_999}, attempt=1)
    ask("step_done", {"step": "announce", "acknowledgement": "metadata-store/77"}, attempt=1)
    ask("step_done", {"step": "cite", "identifier": "10.5072/op-1"}, attempt=1)
    ask("published", {"portal_uri": "https://portal.example.org/op-1"}, attempt=1)


def _after_published(ask: Ask) -> None:
    ask(
        "embargo",
        {"until": "2027-12-01T00:00:00Z", "policy": "asked by the PI"},
        actor=STEWARD,
        reason="a thesis",
    )
    ask("lift", {"due_sequence": 42})
    ask(
        "datasets",
        {"source": "datasets.json", "gone": [{"dataset": "AVORO", "program": VISP, "digest": "2" * 32}]},
    )
    ask(
        "ready",
        {"program": VISP, "by": "manifest", "cover": _cover("AJQWW"), "policy": "m", "policy_version": 1},
    )
    ask("judge", _verdict(VISP, "pass", "AJQWW"))
    ask("not_needed", {"program": VISP, "cover": _cover("AJQWW"), "because": "staged already"})
    ask("reinvert", {"program": VISP, **LEASE}, actor=PI)
    ask("withdraw", {"replacement": "attempt 3"}, actor=STEWARD, reason="the wavelengths are wrong")
    ask("withdrawn", {"acknowledgement": "metadata-store/78"}, attempt=1)
    where = {"program": VISP, "location": "/staging/op"}
    why = {"policy": "staged-age", "because": "nobody has worked with them for 30.5 days, kept 30"}
    ask("unstage", {**where, **why}, actor="housekeeping")
    gone = {"is_gone": True, "files": 342, "size_bytes": 9_000_000, "message": "removed"}
    ask("unstaged", {**where, **gone}, actor="worker")


def _troubled(ask: Ask) -> None:
    ask("discover", {"source": "ready event"})
    ask(
        "discover", {"source": "datasets.json", "datasets": [_dataset("BLKGA", VBI), _dataset("AVORO", VISP)]}
    )
    ask("ready", {"by": "operator"}, actor=STEWARD, reason="nothing more will come")
    ask("judge", _verdict(VBI, "not_applicable", "BLKGA"))
    ask("judge", _verdict(VISP, "fail", "AVORO"))
    ask("hold", actor=STEWARD, reason="wait for the calibration")
    ask("unhold", actor=STEWARD, reason="it has come")
    ask("note", {"text": "looked at — “poor seeing”"}, actor=STEWARD)
    ask("requalify", actor=STEWARD, reason="the criteria were read wrongly")
    ask("judge", _verdict(VISP, "pass", "AVORO"))
    failed = {
        "step": "preprocess",
        "code": "DISK_FULL",
        "failure_class": "infrastructure",
        "message": "no room",
    }
    ask("fail", {**failed, "program": VISP, "evidence": {"tries": 1}})
    ask("recover", actor=STEWARD, reason="there is room again")
    ask("not_needed", {"program": VISP, "cover": _cover("AVORO"), "because": "it is small"})
    ask("claim", {**LEASE}, actor=OTHER)
    ask("release", actor=OTHER)
    handed = {
        "outputs": [{"name": "inv.asdf", "uri": "s3://work/inv.asdf", "sha256": SHA}], "inputs": ["AVORO"],
        "software": {"repository": "https://example.org/sir.git", "commit": "a" * 40},
    }  # fmt: skip
    ask("hand_in", handed, actor=OTHER, attempt=1)
    ask("inverted", {"outputs_verified": 1, "size_bytes": 7, "commit": "found"}, attempt=1)
    ask("review", {"decision": "reject", "note": "did not converge"}, actor=REVIEWER)
