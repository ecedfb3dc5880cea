"""Reserving a file's archive identity: ask, wait for the answer, and say who has it where it is taken."""

from collections.abc import Generator
from typing import Any

from consumers.claims import WorkItem
from consumers.decisions import Decisions
from consumers.effects.asking import Ask
from consumers.failures import Failed, Wait
from consumers.tools import Tools
from events.file import IdentityHeld
from events.identity import Holder, ReserveIdentity
from events.ids import derived_id
from projectors.outcome import Outcome

__all__ = ["asked_for", "reserve"]

_WAIT_S = 10.0


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
    decisions = tools.decisions or Decisions(tools.outcomes)
    outcome = decisions.wait(identity, request_id, timeout_s=_WAIT_S)
    if outcome is None:
        message = (
            f"identity {identity}: no decision on the reservation within {_WAIT_S:g} s; it is asked again"
        )
        raise Wait(None, "DECISION_PENDING", message)
    return outcome


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
