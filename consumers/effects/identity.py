"""Reserving a file's archive identity: ask, wait for the answer, and say who has it where it is taken."""

import time
from collections.abc import Generator
from typing import Any

from consumers.claims import WorkItem
from consumers.effects.asking import Ask
from consumers.failures import Failed, Wait
from consumers.tools import Tools
from events.file import IdentityHeld
from events.identity import Holder, ReserveIdentity
from events.ids import derived_id
from projectors.outcome import Outcome

__all__ = ["asked_for", "reserve"]

_WAIT_S = 10.0
# The decider mostly answers within 20 ms; listening for it costs a connection of its own.
_LOOKS_S = (0.004, 0.004, 0.008, 0.01, 0.01, 0.02, 0.02)


def reserve(
    item: WorkItem, tools: Tools, wanted: str | None, *, sha256: str, rule: str
) -> Generator[Ask, None, IdentityHeld]:
    """The identity as this file holds it. Raises Failed where another file has it, Wait without an answer in time."""
    if wanted is None:
        message = f"the stream's rule {rule} gives this file no archive identity; reprocess it with one (--identity)"
        raise Failed("IDENTITY_MISSING", "data", message)
    holder = Holder(subject=item.subject, version=item.version or 1, sha256=sha256)
    outcome = yield from asked_for(item, tools, wanted, holder)
    if outcome.accepted:
        return IdentityHeld(archive_identity=wanted, reserved_by=outcome.record_id)
    raise _conflict(wanted, holder, outcome)


def asked_for(item: WorkItem, tools: Tools, identity: str, holder: Holder) -> Generator[Ask, None, Outcome]:
    """What was decided when this holder asked for an identity. Raises Wait without an answer in time."""
    request_id = derived_id(item.event_id, f"reserve {identity}", item.try_number)
    yield Ask(ReserveIdentity(holder=holder), item, request_id, identity)
    outcome = _outcome(tools, identity, request_id)
    if outcome is None:
        message = (
            f"identity {identity}: no decision on the reservation within {_WAIT_S:g} s; it is asked again"
        )
        raise Wait(None, "DECISION_PENDING", message)
    return outcome


def _outcome(tools: Tools, identity: str, request_id: str) -> Outcome | None:
    asked = [(identity, request_id)]
    for pause_s in _LOOKS_S:
        time.sleep(pause_s)
        found = tools.outcomes.find(asked)
        if found:
            return found[request_id]
    return tools.outcomes.wait(asked, timeout_s=_WAIT_S).get(request_id)


def _conflict(identity: str, mine: Holder, outcome: Outcome) -> Failed:
    refusal: dict[str, Any] = dict(outcome.refusal or {})
    holder = refusal.get("holder")
    if not isinstance(holder, dict):
        reasons = "; ".join(outcome.reasons)
        return Failed("IDENTITY_REFUSED", "data", f"identity {identity} was not reserved: {reasons}")
    same = "the same bytes" if holder.get("sha256") == mine.sha256 else "other bytes"
    message = (
        f"archive identity {identity} is held by {holder['subject']} version {holder['version']}, which has {same} "
        f"(sha256 {holder['sha256']}; here {mine.sha256}); give one of the two another identity (file reprocess "
        f"{mine.subject} --identity OTHER), dismiss one (file dismiss), or give it to this file (identity transfer "
        f"{identity} --to {mine.subject})"
    )
    return Failed(
        "IDENTITY_CONFLICT",
        "data",
        message,
        found=f"held by {holder['subject']} version {holder['version']}",
        wanted="an identity that no other file holds",
        evidence={
            "archive_identity": identity,
            "holder": holder,
            "sha256": mine.sha256,
            "holder_sha256": holder["sha256"],
            "remedies": [
                f"file reprocess {mine.subject} --identity OTHER",
                f"file dismiss {mine.subject}",
                f"identity transfer {identity} --to {mine.subject}",
            ],
        },
    )
