"""The file formats Meridian reads: a name, a media type, and how to look into one file. Libraries load when needed."""

from consumers.formats.format import Content, Expected, Format
from consumers.formats.inspection import Inspection, InvalidFileError
from consumers.formats.metadata import Metadata
from consumers.formats.registry import Formats

__all__ = ["FORMATS", "Content", "Expected", "Format", "Inspection", "InvalidFileError", "Metadata"]

_FITS, _ASDF, _JSON, _TEXT = "application/fits", "application/x-asdf", "application/json", "text/plain"
_HERE = "consumers.formats"

FORMATS = Formats(
    (
        Format("roman-wfi-l2-asdf", _ASDF, (".asdf",), f"{_HERE}.roman_wfi_l2"),
        Format("dkist-l1-fits", _FITS, (".fits",), f"{_HERE}.dkist_l1"),
        Format("keck-raw-fits", _FITS, (".fits",), f"{_HERE}.keck_raw"),
        Format("rubin-raw-fits", _FITS, (".fits",), f"{_HERE}.rubin_raw"),
        Format("fits", _FITS, (".fits", ".fit", ".fts"), f"{_HERE}.plain_fits"),
        Format("asdf", _ASDF, (".asdf",), f"{_HERE}.plain_asdf"),
        Format("json", _JSON, (".json",), f"{_HERE}.json_sidecar", role="sidecar"),
        Format("ipac-table", _TEXT, (".tbl", ".table"), f"{_HERE}.ipac_table", role="sidecar"),
        Format("tab-table", _TEXT, (".tsv", ".tab"), f"{_HERE}.tab_table", role="sidecar"),
        Format("koa-metadata-table", _TEXT, (".metadata.table",), f"{_HERE}.koa_metadata", role="sidecar"),
        Format("checksum-table", _TEXT, (".md5sum.table", ".md5"), f"{_HERE}.checksum_table", role="manifest"),
        Format("jpeg", "image/jpeg", (".jpg", ".jpeg"), f"{_HERE}.jpeg", role="preview"),
        Format("any", "application/octet-stream", (), f"{_HERE}.anything"),
    )
)  # fmt: skip
"""Every format by the name that streams call it by: ours, and those of other packages that are installed."""
