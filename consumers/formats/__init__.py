"""The file formats Meridian reads: a name, a media type, and how to look into one file. Libraries load when needed."""

from consumers.formats.format import Expected, Format
from consumers.formats.inspection import Inspection

__all__ = ["FORMATS", "Expected", "Format", "Inspection"]

FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format("roman-wfi-l2-asdf", "application/x-asdf", (".asdf",), "consumers.formats.roman_wfi_l2"),
        Format("dkist-l1-fits", "application/fits", (".fits",), "consumers.formats.dkist_l1"),
        Format("keck-raw-fits", "application/fits", (".fits",), "consumers.formats.keck_raw"),
        Format("fits", "application/fits", (".fits", ".fit", ".fts"), "consumers.formats.plain_fits"),
        Format("asdf", "application/x-asdf", (".asdf",), "consumers.formats.plain_asdf"),
        Format("any", "application/octet-stream", (), "consumers.formats.anything"),
    )
}
