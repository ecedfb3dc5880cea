"""Real files of every format, small: what the field's own packages write, and tools to spoil them."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from consumers.formats.earth_tables import use_shipped_tables

ROMAN_NAME = "r0000101001001001001_0001_wfi01_f158_cal.asdf"
KECK_NAME = "kb190509_00001.fits"
KECK_KEYWORDS = {
    "INSTRUME": "KCWI", "CAMERA": "BLUE", "TELESCOP": "Keck II", "DATE-OBS": "2019-05-09", "UT": "02:05:54.57",
    "OFNAME": KECK_NAME, "FRAMENO": 1, "OBJECT": "FLASHES-7", "IMTYPE": "OBJECT", "PROGNAME": "C257",
    "OBSERVER": "O'Sullivan, Martin", "ELAPTIME": 60.0, "RA": "03:52:00.00", "DEC": "-45:30:00.0", "AIRMASS": 1.41,
    "EL": 45.0, "BFILTNAM": "None", "OUTDIR": "/s/sdata1400/kcwi1/2019may09",
}  # fmt: skip
HYPHENED = {"DATE_OBS": "DATE-OBS", "DATE_BEG": "DATE-BEG", "DATE_END": "DATE-END"}
OF_INSTRUMENT: dict[Any, dict[str, Any]] = {"NIRES": {"RA": 58.0, "DEC": -45.5}}  # which writes degrees


def a_keck_file(
    folder: Path, *, name: str = KECK_NAME, without: tuple[str, ...] = (), **changed: Any
) -> Path:
    """A raw file of KCWI, or of the INSTRUME given; the hyphen of a date is given as an underscore."""
    from astropy.io import fits

    changed = {HYPHENED.get(keyword, keyword): value for keyword, value in changed.items()}
    keywords = {**KECK_KEYWORDS, **OF_INSTRUMENT.get(changed.get("INSTRUME"), {}), "OFNAME": name, **changed}
    header = fits.Header([(key, value) for key, value in keywords.items() if key not in without])
    path = folder / name
    data = np.arange(64 * 64, dtype="int16").reshape(64, 64)
    fits.PrimaryHDU(data, header).writeto(path, checksum=True, overwrite=True)
    return path


def a_roman_file(folder: Path, *, name: str = ROMAN_NAME, compression: str | None = "lz4") -> Path:
    """A WFI level 2 image of 32 x 32 pixels."""
    import roman_datamodels.datamodels as rdm
    from astropy.time import TimeDelta

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a plugin of another package that finds no matplotlib
        image = rdm.ImageModel.create_fake_data(shape=(32, 32))
        meta = image.meta
        meta.filename = name
        meta.instrument.optical_element = "F158"
        meta.observation.visit_id = "0000101001001001001"
        meta.observation.exposure = 1
        meta.observation.program = 1
        meta.exposure.exposure_time = 139.8
        meta.exposure.end_time = meta.exposure.start_time + TimeDelta(
            meta.exposure.exposure_time, format="sec"
        )
        meta.exposure.start_time.format = meta.exposure.end_time.format = "isot"
        meta.pointing.target_ra, meta.pointing.target_dec = 30.0, -45.0
        meta.wcsinfo.s_region = "POLYGON ICRS 30.0 -45.0 30.1 -45.0 30.1 -44.9 30.0 -44.9"
        image.data[:] = np.random.default_rng(1).normal(size=(32, 32)).astype("float32")
        path = folder / name
        image.to_asdf(path, all_array_compression=compression)
    return path


def dkist_files(folder: Path) -> list[Path]:
    """Frames of a small VISP scan, their names and checksums set right."""
    import astropy.units as u
    from astropy.io import fits
    from dkist_data_simulator.spec214.visp import SimpleVISPDataset

    use_shipped_tables()
    dataset = SimpleVISPDataset(
        n_maps=1, n_steps=1, n_stokes=2, time_delta=10, linewave=630.2 * u.nm, detector_shape=(8, 8)
    )
    dataset.generate_files(folder, "VISP_L1_{ds.index:05d}.fits")
    paths = sorted(folder.glob("VISP_L1_*.fits"))
    for path in paths:
        edit_fits(path, FILENAME=path.name, PROP_ID="pid_2_100", XPOSURE=120.0)
        assert fits.getval(path, "FILENAME") == path.name
    return paths


def a_compressed_dkist_file(plain: Path, folder: Path) -> Path:
    """The frame as the archive keeps it: one compressed image after an empty primary."""
    from astropy.io import fits

    path = folder / plain.name
    with fits.open(plain) as hdus:
        header = hdus[0].header.copy()
        for keyword in ("CHECKSUM", "DATASUM"):
            header.remove(keyword, ignore_missing=True)
        image = fits.CompImageHDU(hdus[0].data.astype("int32"), header, compression_type="RICE_1")
        fits.HDUList([fits.PrimaryHDU(), image]).writeto(path, checksum=True, overwrite=True)
    return path


def edit_fits(path: Path, *, remove: tuple[str, ...] = (), **changed) -> Path:
    """Change keywords and write the checksums anew."""
    from astropy.io import fits

    with fits.open(path, mode="update") as hdus:
        header = hdus[0].header
        for keyword in remove:
            header.remove(keyword)
        for keyword, value in changed.items():
            header[keyword.replace("_", "-") if keyword.startswith("DATE") else keyword] = value
        hdus[0].add_checksum()
    return path


def card(text: str | bytes) -> bytes:
    """One card of 80 bytes."""
    raw = text if isinstance(text, bytes) else text.encode("ascii")
    return raw.ljust(80)[:80]


def fits_bytes(
    *more: str | bytes, axes: tuple[float, ...] = (), end: bool = True, data: bytes = b"", **changed
) -> bytes:
    """A FITS file card by card: what no library would write."""
    first = (
        {"SIMPLE": "T", "BITPIX": 8, "NAXIS": len(axes)}
        | {f"NAXIS{n}": a for n, a in enumerate(axes, 1)}
        | changed
    )
    cards = [card(f"{keyword:<8}= {value:>20}") for keyword, value in first.items()] + [
        card(each) for each in more
    ]
    header = b"".join(cards) + (card("END") if end else b"")
    header += b" " * (-len(header) % 2880) if end else b""
    return header + data + bytes(-len(data) % 2880)


def edit_tree(content: bytes, pattern: str, replacement: str, *, count: int = 1) -> bytes:
    """Change the YAML of an ASDF file, and only that: blocks and index move along, the index is then wrong."""
    end = content.index(b"\n...\n")
    tree, edits = re.subn(pattern, replacement, content[:end].decode(), count=count, flags=re.MULTILINE)
    assert edits, f"{pattern} is not in the tree"
    return tree.encode() + content[end:]


def asdf_bytes(tree: str, *blocks: bytes, head: str = "#ASDF 1.0.0\n#ASDF_STANDARD 1.6.0\n") -> bytes:
    """An ASDF file around a YAML text."""
    directives = "%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\n"
    return f"{head}{directives}{tree}\n...\n".encode() + b"".join(blocks)


def block(
    content: bytes = b"",
    *,
    compression: bytes = b"\0\0\0\0",
    flags: int = 0,
    header_bytes: int = 48,
    sizes: dict[str, int] | None = None,
) -> bytes:
    """A binary block, whose header may lie about every size: ``allocated``, ``used`` and ``data``."""
    told = {"allocated": len(content), "used": len(content), "data": len(content)} | (sizes or {})
    header = flags.to_bytes(4, "big") + compression
    header += b"".join(told[name].to_bytes(8, "big") for name in ("allocated", "used", "data")) + bytes(16)
    return b"\xd3BLK" + header_bytes.to_bytes(2, "big") + header + content
