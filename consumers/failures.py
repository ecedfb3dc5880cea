"""Why an effect did not come about, by what can be done next: wait for a server, or tell the file's ledger."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from consumers.breakers import ARCHIVE, store_of
from consumers.child import ChildFailure
from consumers.storage_errors import StorageError, StorageRefused, TransferMismatch
from events.file_requests import FailFile
from events.stream import RetryPolicy
from events.types import FailureClass, Usage

__all__ = ["Failed", "Wait", "delay_s", "fail_request", "from_archive", "from_reader", "from_source"]

_MESSAGE = 7_900


class Wait(Exception):  # noqa: N818 - says what to do; nothing is wrong with the file
    """A server does not answer: the item waits, no try is used. ``dependency`` None: only this item has to wait."""

    def __init__(self, dependency: str | None, code: str, message: str, *, pause_s: float = 1.0) -> None:
        super().__init__(message)
        self.dependency = dependency
        self.code = code
        self.message = message
        self.pause_s = pause_s


class Failed(Exception):  # noqa: N818 - what the ledger will call it
    """An attempt failed: the file becomes ERROR, with what was found, what was wanted, and what would help."""

    def __init__(
        self,
        code: str,
        failure_class: FailureClass,
        message: str,
        *,
        found: str | None = None,
        wanted: str | None = None,
        evidence: dict[str, Any] | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.failure_class = failure_class
        self.message = message
        self.found = found
        self.wanted = wanted
        self.evidence = evidence
        self.usage = usage


def from_archive(error: StorageError, stream: str) -> Wait | Failed:
    """What the archive's answer means for an item of this stream.

    A refusal is about the stream's bucket or key, so the other streams go on.
    """
    if error.failure_class == "infrastructure":
        dependency = store_of(stream) if isinstance(error, StorageRefused) else ARCHIVE
        return Wait(dependency, error.code, str(error))
    if isinstance(error, TransferMismatch):
        return Failed(
            error.code,
            error.failure_class,
            str(error),
            found=f"{error.found_bytes} bytes, sha256 {error.found_sha256}",
            wanted=f"{error.wanted_bytes} bytes, sha256 {error.wanted_sha256}",
            evidence={
                "found_sha256": error.found_sha256,
                "wanted_sha256": error.wanted_sha256,
                "found_bytes": error.found_bytes,
                "wanted_bytes": error.wanted_bytes,
                "existed": error.existed,
            },
        )
    return Failed(error.code, error.failure_class, str(error))


def from_source(error: StorageError, stream: str) -> Wait | Failed | StorageError:
    """What it means that a stream's source does not give a file.

    A refusal may concern this one file, which must not hold up the others: it is tried again, and then shown.
    """
    if isinstance(error, StorageRefused):
        return Failed(error.code, "transient", str(error))
    if error.failure_class == "infrastructure":
        return Wait(store_of(stream), error.code, str(error))
    return error


def from_reader(failure: ChildFailure | None, usage: Usage | None = None) -> Failed:
    """What it means that a reader gave no inspection of a file; no ``failure`` is a fault of the reader's own."""
    if failure is None:
        return Failed(
            "READER_BUG", "code", "the reader gave neither an inspection nor a failure", usage=usage
        )
    # A child that was killed for want of memory may be this file's doing: it has a budget, so that it can't come first
    # for ever and hold up the others.
    failure_class: FailureClass = "code" if failure.failure_class == "code" else "transient"
    return Failed(failure.code, failure_class, failure.message, usage=usage)


def fail_request(
    failed: Failed,
    *,
    policy: RetryPolicy,
    report_id: str,
    attempt: int,
    base_attempt: int | None,
    clock: Callable[[], datetime],
) -> FailFile:
    """The report. Only what is transient is tried again by itself, while the stream's budget lasts."""
    tried_again = attempt - (base_attempt or 1)
    is_due = failed.failure_class == "transient" and tried_again < policy.tries
    due_at = clock() + timedelta(seconds=delay_s(policy, tried_again, report_id)) if is_due else None
    return FailFile(
        code=failed.code,
        failure_class=failed.failure_class,
        message=failed.message[:_MESSAGE],
        found=failed.found,
        wanted=failed.wanted,
        due_at=due_at,
        tries_allowed=policy.tries if failed.failure_class == "transient" else None,
        evidence=failed.evidence,
        usage=failed.usage,
    )


def delay_s(policy: RetryPolicy, tried_again: int, report_id: str) -> float:
    """Seconds to the next try: growing, at most ``max_s``, and spread by ± 20 % so that many don't come at once.

    The spread follows from the report's id: the same report always names the same time after its own.
    """
    spread = int.from_bytes(hashlib.sha256(report_id.encode()).digest()[:4]) / 2**32
    grown = min(policy.max_s, policy.first_s * policy.factor ** min(tried_again, 64))
    return grown * (0.8 + 0.4 * spread)
