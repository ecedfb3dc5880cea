"""Any file: its size and its checksum, nothing else."""

from typing import BinaryIO

from consumers.formats.bytes_scan import SeenBytes, kind_of
from consumers.formats.findings import Findings
from consumers.formats.format import Content, Expected
from consumers.formats.metadata import Metadata

__all__ = ["read", "warm_up"]


def warm_up() -> None:
    """There is nothing to load."""


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:  # noqa: ARG001
    """Record what the first bytes look like; every file is welcome."""
    kind = kind_of(seen.head)
    findings.record("kind", kind, message="by its first bytes")
    return Content(Metadata(extra={"kind": kind}))
