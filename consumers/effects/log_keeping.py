"""Where the log of an attempt is kept: its end in the fact, and all of a long one as an object beside the files.

A fact stays for ever and everybody reads it past, so it carries what answers most questions, 8 KiB; nearly all logs are
shorter. What is longer is for the few who look into one attempt, and costs the ledger a line.
"""

import logging

from consumers.claims import WorkItem
from consumers.effects.beside import put_beside
from consumers.storage_errors import StorageError
from consumers.tools import Tools
from events.stream import StreamConfiguration
from events.types import Usage

__all__ = ["IN_FACT_BYTES", "PREFIX", "with_log_kept"]

log = logging.getLogger(__name__)

PREFIX = "logs/"
IN_FACT_BYTES = 8 * 1024


def with_log_kept(usage: Usage, item: WorkItem, tools: Tools, configuration: StreamConfiguration) -> Usage:
    """The usage with as much of the log as a fact takes. Without the archive the fact has the end alone."""
    whole = (usage.log_tail or "").encode()
    if len(whole) <= IN_FACT_BYTES:
        return usage
    end = whole[-IN_FACT_BYTES:].decode("utf-8", "ignore")
    return usage.model_copy(
        update={"log_tail": end, "log_object": _stored(whole, item, tools, configuration)}
    )


def _stored(whole: bytes, item: WorkItem, tools: Tools, configuration: StreamConfiguration) -> str | None:
    try:
        stored = put_beside(whole, item, tools, configuration, prefix=PREFIX, suffix=".log")
    except (StorageError, OSError) as error:  # a report never waits for its log
        extra = {"subject": item.subject, "attempt": item.attempt, "error": str(error)}
        log.warning("the log of an attempt is kept in part", extra=extra)
        return None
    return f"s3://{stored.bucket}/{stored.key}"
