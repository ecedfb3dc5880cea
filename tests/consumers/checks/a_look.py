"""A file as checks see it, without a file: what a test is about is named, the rest is well."""

import io
from datetime import UTC, datetime
from typing import Any

from consumers.checks.judge import judge
from consumers.checks.judging import Judging, Rule
from consumers.checks.look import Look
from consumers.formats.findings import Findings
from consumers.formats.fits_scan import scan
from consumers.formats.inspection import InvalidFileError
from consumers.formats.metadata import Metadata

__all__ = ["NOW", "a_look", "judged", "rule"]

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


def a_look(
    *, content: bytes = b"", form: str = "fits", purpose: str | None = "science", values=None, **told: Any
) -> Look:
    is_fits = content.startswith(b"SIMPLE  =") and form != "any"
    hdus = scan(io.BytesIO(content), len(content), Findings()) if is_fits else ()
    return Look(
        hdus=hdus,
        name="a.fits",
        format=form,
        size_bytes=len(content),
        metadata=Metadata(**told),
        values=values or {},
        source=io.BytesIO(content),
        purpose=purpose,
        at=NOW,
    )


def rule(check: str, **wanted: Any) -> Rule:
    return Rule(check, **wanted)


def judged(look: Look, *rules: Rule, checks=None, recorded=()) -> tuple[Findings, InvalidFileError | None]:
    """The findings, and what decided against the file; ``recorded`` are results that its format gave."""
    findings = Findings()
    for each in recorded:
        findings.add(each)
    try:
        judge(look, Judging(rules), findings, checks=checks)
    except InvalidFileError as invalid:
        return findings, invalid
    return findings, None
