"""Roman WFI level 2 images in ASDF: our own look first, then the mission's schema through asdf, no array touched."""

import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from consumers.formats.asdf_blocks import check_block_sums
from consumers.formats.asdf_scan import Layout, flattened
from consumers.formats.bytes_scan import SeenBytes
from consumers.formats.findings import Findings
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.library import reading_with
from consumers.formats.metadata import Metadata
from consumers.formats.names import require_name
from consumers.formats.plain_asdf import scanned
from consumers.formats.terse_schemas import TerseSchemas
from consumers.formats.text import shortened
from consumers.formats.times import NO_TIME, Moment, moment

__all__ = ["read", "warm_up"]

PRODUCT_TAG = re.compile(r"asdf://stsci\.edu/datamodels/roman/tags/wfi_image-\d+\.\d+\.\d+")
# rNNNNNNNNNNNNNNNNNNN_NNNN_wfiNN_FILTER_cal: visit, exposure, detector, optical element.
NAME = re.compile(r"r(?P<visit>\d{19})_(?P<exposure>\d{4})_(?P<detector>wfi\d\d)_(?P<element>[a-z0-9]+)_cal")
UNKNOWN = frozenset({"?", "", -999999})  # what the mission's software writes for "not set"
SCIENCE_EXPOSURES = frozenset({"WFI_IMAGE", "WFI_SPECTRAL", "WFI_IM_DATA", "WFI_SP_DATA"})


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:
    """Look through a level 2 image. asdf validates the schema as it reads the tree, up to the first error."""
    layout = scanned(source, seen, findings)
    with findings.critical("product", value=layout.tag_of("roman")):
        _require_product(layout)
    values = flattened(layout.root.get("roman"), "roman")
    require_name("roman.meta.filename", values.get("roman.meta.filename"), expected.name, findings)
    with findings.critical("schema", value=layout.tag_of("roman")):
        times = _validated(source, findings)
    meta = _Meta(values)
    check_block_sums(source, layout.blocks, findings)
    _check_name(expected.name, meta, findings)
    _record(meta, layout, findings)
    return Content(_metadata(meta, times), values)


def warm_up() -> None:
    """Open a small image once: asdf loads its plugins and the mission's schemas on the first one (3 s)."""
    import lz4.block  # noqa: F401 - loaded before the child is bound
    import roman_datamodels.datamodels as rdm

    findings = Findings()
    with tempfile.TemporaryDirectory() as folder, reading_with("roman_datamodels", findings):
        path = Path(folder) / "warm_up.asdf"
        rdm.ImageModel.create_fake_data(shape=(8, 8)).save(path)
        _product_tags()
        with path.open("rb") as source:
            _validated(source, findings)


@cache
def _product_tags() -> frozenset[str]:
    """The tags of the image schemas that are installed here."""
    import asdf

    manager = asdf.AsdfFile().extension_manager
    return frozenset(
        tag
        for extension in manager.extensions
        for each in extension.tags
        if PRODUCT_TAG.fullmatch(tag := each.tag_uri)
    )


@cache
def _terse_schemas() -> TerseSchemas:
    import asdf

    return TerseSchemas(asdf.get_config().resource_manager)


def _require_product(layout: Layout) -> None:
    """asdf itself opens any tag, a future one too, without validating it."""
    found = layout.tag_of("roman")
    if found is None and layout.root.get("roman") is None:
        raise _schema_violation("'roman' is missing at the top of the tree", "a roman WFI image")
    if found not in _product_tags():
        newest = max(_product_tags(), key=_version)
        raise _schema_violation(
            f"'roman' is of type {shortened(found or 'none', 100)}", f"a WFI image no newer than {newest}"
        )


def _version(tag: str) -> tuple[int, ...]:
    return tuple(int(number) for number in tag.rpartition("-")[2].split("."))


def _validated(source: BinaryIO, findings: Findings) -> Mapping[str, Moment]:
    """Validate the tree against its schema and read the times of the exposure, which only astropy can convert."""
    import asdf
    from asdf.exceptions import ValidationError

    source.seek(0)
    with reading_with("asdf", findings), asdf.config_context() as config:
        config.validate_on_read = True  # off by default in asdf 6: a missing key would open without a word
        config.add_resource_mapping(_terse_schemas())
        try:
            opened = asdf.open(source, lazy_load=True, lazy_tree=True, memmap=False)
        except ValidationError as error:
            raise _violation(error) from error
        with opened:
            exposure = opened["roman"]["meta"]["exposure"]
            names = ("start_time", "end_time")
            return {name: moment(exposure.get(name), findings, keyword=f"exposure.{name}") for name in names}


def _violation(error: Any) -> InvalidFileError:
    where = ".".join(str(step) for step in getattr(error, "absolute_path", ())) or "the tree"
    what = shortened(str(getattr(error, "message", error)).strip().splitlines()[0], 400)
    return _schema_violation(
        f"{where}: {what}", "the mission's schema; further errors may follow this first one"
    )


def _schema_violation(found: str, wanted: str) -> InvalidFileError:
    return InvalidFileError.unlike("SCHEMA_VIOLATION", found, wanted, then="have the product made again")


class _Meta:
    """The values under ``roman.meta``; those that stand for "not set" are left out."""

    def __init__(self, values: Mapping[str, Scalar]) -> None:
        self.values = {
            name.removeprefix("roman.meta."): value
            for name, value in values.items()
            if name.startswith("roman.meta.") and value is not None and value not in UNKNOWN
        }

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        return None if value is None else str(value).strip()

    def number(self, name: str) -> float | None:
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) else None


def _check_name(name: str, meta: _Meta, findings: Findings) -> None:
    """Detector and optical element stand in the name too; the header decides, a difference is listed."""
    parts = NAME.match(name)
    if parts is None:
        findings.advise("name_consistent", None, "the name does not follow the mission's pattern")
        return
    wrong = []
    for part, keyword in (("detector", "instrument.detector"), ("element", "instrument.optical_element")):
        inside = meta.text(keyword)
        if parts[part] != str(inside).lower():
            wrong.append(f"{part} {parts[part]} in the name, {inside} inside")
    findings.advise("name_consistent", not wrong, "; ".join(wrong) or None)


def _record(meta: _Meta, layout: Layout, findings: Findings) -> None:
    findings.record("exposure_time", meta.number("exposure.exposure_time"), "s")
    findings.record("data_problem", meta.text("exposure.data_problem"))
    findings.record("engineering_quality", meta.text("exposure.engineering_quality"))
    for name in ("image_median", "image_rms", "good_pixel_fraction"):
        if meta.number(f"statistics.{name}") is not None:
            findings.record(name, meta.number(f"statistics.{name}"))
    findings.record("array_shape", layout.shape_of("roman", "data"))


def _metadata(meta: _Meta, times: Mapping[str, Moment]) -> Metadata:
    visit, exposure = meta.text("observation.visit_id"), meta.number("observation.exposure")
    start, end = times.get("start_time", NO_TIME), times.get("end_time", NO_TIME)
    kind = meta.text("exposure.type")
    return Metadata(
        instrument=meta.text("instrument.name"),
        exposure_id=f"{visit}_{int(exposure):04d}" if visit and exposure is not None else None,
        visit_id=visit,
        detector=meta.text("instrument.detector"),
        filter=meta.text("instrument.optical_element"),
        obs_start_utc=start.utc,
        obs_end_utc=end.utc,
        obs_start_tai=start.tai,
        obs_end_tai=end.tai,
        exposure_s=meta.number("exposure.exposure_time"),
        program=meta.text("observation.program"),
        purpose=None if kind is None else "science" if kind in SCIENCE_EXPOSURES else "calibration",
        target=meta.text("pointing.target_aperture"),
        ra_deg=meta.number("pointing.target_ra"),
        dec_deg=meta.number("pointing.target_dec"),
        footprint=meta.text("wcsinfo.s_region"),
        # Without the WCS, whose hundreds of numbers nobody searches for.
        extra={name: value for name, value in meta.values.items() if not name.startswith("wcs.")},
    )
