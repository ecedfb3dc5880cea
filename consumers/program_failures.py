"""What the ledger of an observing program is told of a step that failed, and when it is tried again by itself."""

from collections.abc import Callable
from datetime import datetime, timedelta

from consumers.claims import WorkItem
from consumers.failures import Failed, delay_s
from consumers.known_programs import KnownPart
from consumers.work_lanes import PROGRAM_LANES
from events.op_requests import FailOp
from events.stream import RetryPolicy

__all__ = ["is_of_program", "program_fail_request", "tries_before"]

_MESSAGE, _SHORT = 7_900, 1_900


def is_of_program(item: WorkItem) -> bool:
    """Work on a part of an observing program, not on a file."""
    return item.effect in PROGRAM_LANES


def tries_before(step: str, known: KnownPart) -> int:
    """How often this step of the part has failed since it last did well, or since a person let it go on."""
    failed = known.known.get("failed") or {}
    return int(failed.get("tries", 0)) if failed.get("step") == step else 0


def program_fail_request(
    item: WorkItem, failed: Failed, known: KnownPart, *, policy: RetryPolicy, clock: Callable[[], datetime]
) -> FailOp:
    """The report. Only what is transient is tried again by itself, while the budget lasts."""
    before = tries_before(item.effect, known)
    is_due = failed.failure_class == "transient" and before < policy.tries
    now = known.known.get("now") or {}
    return FailOp(
        step=item.effect,
        code=failed.code,
        failure_class=failed.failure_class,
        message=failed.message[:_MESSAGE],
        program=now.get("program"),
        cover=now["cover"]["digest"] if now else None,
        found=failed.found[:_SHORT] if failed.found else None,
        wanted=failed.wanted[:_SHORT] if failed.wanted else None,
        due_at=clock() + timedelta(seconds=delay_s(policy, before, item.report_id)) if is_due else None,
        evidence={**(failed.evidence or {}), "tries": before + 1},
    )
