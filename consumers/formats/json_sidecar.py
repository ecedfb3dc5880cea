"""JSON beside a file, or a manifest: read by our own bounded reader, its values kept under dotted names."""

from typing import BinaryIO

from consumers.formats.bytes_scan import SeenBytes, kind_of
from consumers.formats.findings import Findings
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.json_tree import MAX_BYTES, Tree, flattened, read_json
from consumers.formats.metadata import Metadata
from consumers.formats.rubin_names import NAME, sensor_of

__all__ = ["read", "warm_up"]

TEXTUAL = frozenset({"JSON text", "text", "data of an unknown kind"})
INSTRUMENT = ("INSTRUME", "instrument")
EXPOSURE = ("OBSID", "obsId", "observation_id")
MANIFEST = "expectedSensors"  # Rubin's list of the sensors that an exposure will have


def warm_up() -> None:
    """There is nothing to load."""


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:
    """Look through a JSON file: an object or an array, whatever it says."""
    with findings.critical("format", value="JSON"):
        _require_json(seen)
    with findings.critical("structure"):
        tree = read_json(source.read(MAX_BYTES + 1), findings)
    values = flattened(tree)
    findings.record("values", len(values))
    if isinstance(tree, dict) and isinstance(tree.get(MANIFEST), dict):
        findings.record("sensors_expected", len(tree[MANIFEST]))
    return Content(_metadata(expected.name, tree, values), values)


def _require_json(seen: SeenBytes) -> None:
    kind = kind_of(seen.head)
    first = seen.head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")[:1]
    if kind not in TEXTUAL or first not in {b"{", b"["}:
        found = kind if kind != "JSON text" else "text"
        raise InvalidFileError(
            "NOT_THE_FORMAT",
            f"found {found}, wanted a JSON object or array; send the right file",
            found=found,
            wanted="JSON",
        )


def _metadata(name: str, tree: Tree, values: dict[str, Scalar]) -> Metadata:
    """A camera's own name tells which image the sidecar belongs to; else what the text itself says."""
    top = tree if isinstance(tree, dict) else {}
    if NAME.fullmatch(name):
        sensor = sensor_of(name)
        return Metadata(
            instrument=_first(top, INSTRUMENT),
            exposure_id=sensor.exposure,
            visit_id=sensor.visit,
            detector=f"{sensor.raft}_{sensor.slot}",
            extra=values,
        )
    return Metadata(instrument=_first(top, INSTRUMENT), exposure_id=_first(top, EXPOSURE), extra=values)


def _first(values: dict[str, object], names: tuple[str, ...]) -> str | None:
    return next((str(values[name]) for name in names if isinstance(values.get(name), str)), None)
