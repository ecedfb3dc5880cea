"""Judging one file as its format has read it: what the checks see of it, and by which rules."""

from datetime import datetime
from typing import BinaryIO

from consumers.checks.judge import Watch, judge, unwatched
from consumers.checks.judging import Judging
from consumers.checks.look import Look
from consumers.formats.bytes_scan import SeenBytes
from consumers.formats.content import Content, Expected
from consumers.formats.findings import Findings

__all__ = ["judge_file"]


def judge_file(
    format_name: str,
    source: BinaryIO,
    seen: SeenBytes,
    expected: Expected,
    content: Content,
    findings: Findings,
    *,
    watch: Watch | None = None,
) -> None:
    """Run the checks and decide. For what purpose a file is its stream says, else the file itself."""
    judging = (expected.judging or Judging()).requiring(expected.stream_checks)
    look = Look(
        name=expected.name,
        format=format_name,
        size_bytes=seen.size_bytes,
        metadata=content.metadata,
        values=content.values,
        source=source,
        hdus=findings.hdus,
        layout=findings.layout,
        purpose=judging.purpose or content.metadata.purpose,
        at=None if judging.at is None else datetime.fromisoformat(judging.at),
    )
    judge(look, judging, findings, watch=watch or unwatched)
