"""A JPEG image beside a file: its markers and dimensions, with no pixel decoded."""

from typing import BinaryIO

from consumers.formats import jpeg_scan
from consumers.formats.bytes_scan import SeenBytes, kind_of
from consumers.formats.findings import Findings
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import InvalidFileError
from consumers.formats.metadata import Metadata

__all__ = ["read", "warm_up"]

KIND = "a JPEG image"


def warm_up() -> None:
    """There is nothing to load."""


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:  # noqa: ARG001
    """Look through a preview."""
    with findings.critical("format", value="JPEG"):
        _require_jpeg(seen)
    with findings.critical("structure"):
        image = jpeg_scan.scan(source.read(jpeg_scan.MAX_BYTES + 1), findings)
    findings.record("image_size", f"{image.width}x{image.height}")
    values: dict[str, object] = {
        "width_pixels": image.width,
        "height_pixels": image.height,
        "components": image.components,
        "precision_bits": image.precision_bits,
        "process": image.process,
        "scans": image.scans,
    }
    return Content(Metadata(extra=values), values)


def _require_jpeg(seen: SeenBytes) -> None:
    kind = kind_of(seen.head)
    if kind != KIND:
        raise InvalidFileError(
            "NOT_THE_FORMAT", f"found {kind}, wanted {KIND}; send the right file", found=kind, wanted=KIND
        )
