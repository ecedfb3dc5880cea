"""An ASDF file of no particular mission: structure, block checksums, and what its tree says of the software."""

from typing import BinaryIO

from consumers.formats import asdf_scan
from consumers.formats.asdf_blocks import check_block_sums
from consumers.formats.asdf_scan import Layout, flattened
from consumers.formats.bytes_scan import SeenBytes, require_kind
from consumers.formats.findings import Findings
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import Scalar
from consumers.formats.metadata import Metadata
from consumers.formats.yaml_tree import Leaf

__all__ = ["read", "scanned", "warm_up"]

MAX_VALUES = 10_000  # of any tree; what nobody has a name for, nobody searches for


def warm_up() -> None:
    """Load the readers of YAML and of packed blocks; asdf itself is not needed where no schema is known."""
    import lz4.block  # noqa: F401 - loaded before the child is bound
    import yaml

    list(yaml.parse("a: 1", Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def scanned(source: BinaryIO, seen: SeenBytes, findings: Findings) -> Layout:
    """Two critical checks: the file is ASDF by its first bytes, and its structure holds."""
    with findings.critical("format", value="ASDF"):
        require_kind(seen, "ASDF")
    with findings.critical("structure"):
        findings.layout = asdf_scan.scan(source, seen.size_bytes, findings)
    return findings.layout


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:  # noqa: ARG001
    """Look through any ASDF file. No schema is known, so nothing is asked of the tree but its structure."""
    layout = scanned(source, seen, findings)
    check_block_sums(source, layout.blocks, findings)
    findings.record("blocks", len(layout.blocks))
    keys = {key.text: value for key, value in layout.root.items if isinstance(key, Leaf)}
    values: dict[str, Scalar] = {}
    for key, value in keys.items():
        if len(values) < MAX_VALUES:
            values |= flattened(value, key)
    findings.record("keys", ", ".join(list(keys)[:50])[:500])
    return Content(Metadata(extra=values), values)
