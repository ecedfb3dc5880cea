"""What a sender says is to come, or is whole, turned into requests: manifests of files, programs that are ready."""

from datetime import datetime, timedelta
from typing import Any

from consumers.failures import Failed
from consumers.homes import Home, readiness_in_force
from consumers.objections import Objection
from events.group import ExpectGroup, Range
from events.inbox import InboxFilesExpected, InboxOpReady
from events.op_requests import ReadyOp
from events.program_policy import ObservingPrograms
from events.stream import SidecarPolicy
from machines.membership import sensors_expected
from projectors.stream_rules import StreamRule

__all__ = ["expect", "ready"]

_SENSORS = "rubin-exposure"


def ready(told: InboxOpReady, rule: StreamRule) -> ReadyOp:
    """The sender's word on an observing program; raises ``Objection`` where it may not speak for them."""
    if rule.configuration.programs is None:
        raise Objection(
            "NOT_ALLOWED",
            f"stream {rule.stream!r}: is not the home of observing programs, wanted the stream whose configuration "
            "has programs",
        )
    return ReadyOp(
        program=told.program,
        by="ready_event",
        **_by_policy(rule.configuration.programs),
        expected_datasets=told.expected_datasets,
        message=told.message,
    )


def _by_policy(programs: ObservingPrograms) -> dict[str, Any]:
    """For which instruments the policy in force takes the word; one that can't be read is the worker's to tell of."""
    try:
        policy = readiness_in_force(Home(programs))
    except Failed:
        return {}
    only_for, not_for = policy.closes_by("ready_event")
    if only_for == ():
        ways = sorted({way for each in policy.rules for way in each.by})
        raise Objection(
            "NOT_ALLOWED",
            f"the policy {policy.name} v{policy.version} closes programs by {' or '.join(ways)}, not by ready_event; "
            "apply a configuration whose policy does, or let an operator say it",
        )
    return {
        "policy": policy.name, "policy_version": policy.version, "only_for": only_for, "not_for": not_for,
    }  # fmt: skip


def expect(told: InboxFilesExpected, rule: StreamRule, *, witness: str, at: datetime) -> ExpectGroup:
    """The places that a manifest names; raises ``Objection`` where the stream has no groups or names none.

    ``at`` is when the manifest was sent: sidecars that the stream's policy wants are due some time after it, so that
    no group waits for one for ever.
    """
    membership = rule.configuration.membership
    if membership is None:
        raise Objection(
            "NO_GROUPS",
            f"stream {rule.stream!r}: puts no files into groups, wanted a membership rule in its configuration",
        )
    if bool(told.sensors) == (told.files is not None):
        raise Objection("SCHEMA_VIOLATION", "data of files.expected: wanted either files or sensors")
    # Rubin's cameras write a JSON beside every image.
    policy = rule.configuration.sidecars or SidecarPolicy(needed=membership == _SENSORS)
    due_at = told.due_at or (at + timedelta(seconds=policy.due_after_s) if policy.needed else None)
    more: dict[str, Any] = {"source": witness, "due_at": due_at, "sidecar_needed": policy.needed}
    if told.files is not None:
        return ExpectGroup(
            kind=told.kind, by="manifest", ranges=(Range(first=0, last=told.files - 1),), **more
        )
    if membership != _SENSORS:
        raise Objection(
            "SCHEMA_VIOLATION",
            f"data of files.expected: found sensors for the rule {membership}, wanted files (how many)",
        )
    try:
        return sensors_expected(told.sensors, **more)
    except ValueError as error:
        raise Objection("SCHEMA_VIOLATION", f"data of files.expected: {error}") from error
