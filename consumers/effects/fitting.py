"""Makes a report fit into one request: what only helps to understand it is shortened, what it says never is."""

from typing import Any, TypeVar

import orjson

from events.envelope import REQUEST_BYTES_AT_MOST
from events.file_requests import RejectFile, ReportFileValidated
from events.types import WarningFinding

__all__ = ["fitted"]

Report = TypeVar("Report", ReportFileValidated, RejectFile)

_ENVELOPE_BYTES = 8 * 1024
_WARNINGS_KEPT = 20
_LOG_CHARACTERS_KEPT = 4_000


def fitted(report: Report, *, room: int = REQUEST_BYTES_AT_MOST - _ENVELOPE_BYTES) -> Report:
    """The report, with a shorter log, fewer warnings and less extra metadata as far as it has to be."""
    for shorten in (_shorter_log, _fewer_warnings, _less_metadata):
        if len(orjson.dumps(report.wire())) <= room:
            break
        report = report.model_copy(update=shorten(report))
    return report


def _shorter_log(report: Report) -> dict[str, Any]:
    usage = report.usage
    if usage is None or usage.log_tail is None:
        return {}
    return {"usage": usage.model_copy(update={"log_tail": usage.log_tail[-_LOG_CHARACTERS_KEPT:]})}


def _fewer_warnings(report: Report) -> dict[str, Any]:
    left = len(report.warnings) - _WARNINGS_KEPT
    if left <= 0:
        return {}
    more = WarningFinding(code="MORE_WARNINGS", message=f"{left} more warnings did not fit into the report")
    return {"warnings": (*report.warnings[:_WARNINGS_KEPT], more)}


def _less_metadata(report: ReportFileValidated | RejectFile) -> dict[str, Any]:
    if not isinstance(report, ReportFileValidated) or not report.metadata.get("extra"):
        return {}
    omitted = len(report.metadata["extra"]) + int(report.metadata.get("extra_omitted") or 0)
    warning = WarningFinding(
        code="METADATA_TRIMMED", message=f"{omitted} further values did not fit into the report"
    )
    metadata = {**report.metadata, "extra": {}, "extra_omitted": omitted}
    return {"metadata": metadata, "warnings": (*report.warnings, warning)}
