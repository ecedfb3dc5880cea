"""CHECKSUM and DATASUM of every HDU, computed here: astropy only warns, and says nothing when they are absent."""

from collections.abc import Sequence
from typing import BinaryIO

from consumers.formats.findings import Findings
from consumers.formats.fits_scan import BLOCK_BYTES, Hdu

__all__ = ["check_sums"]

CHUNK_BYTES = (
    BLOCK_BYTES * 64
)  # read into the same memory again and again: fresh memory costs more than the sum
ALL_ONES = 0xFFFFFFFF
SHOWN = 20


def check_sums(source: BinaryIO, hdus: Sequence[Hdu], findings: Findings) -> None:
    """Three advisory results: one a kind of sum, in which false names the HDUs that differ; and whether all carry both.

    An absent sum is a result of its own: it is no pass, and neither is it a wrong one.
    """
    wrong: dict[str, list[str]] = {"fits_checksum": [], "fits_datasum": []}
    absent: dict[str, list[int]] = {"fits_checksum": [], "fits_datasum": []}
    for hdu in hdus:
        announced = {"fits_checksum": hdu.values.get("CHECKSUM"), "fits_datasum": hdu.values.get("DATASUM")}
        for check, value in announced.items():
            if not value:
                absent[check].append(hdu.index)
        if any(announced.values()):
            _compare(source, hdu, wrong, announced={k for k, v in announced.items() if v})
    for check, problems in wrong.items():
        _report(check, problems, absent[check], len(hdus), findings)
    _report_absent(absent, len(hdus), findings)


def _compare(source: BinaryIO, hdu: Hdu, wrong: dict[str, list[str]], *, announced: set[str]) -> None:
    data = _sum(source, hdu.data_at, hdu.data_bytes)
    if "fits_datasum" in announced:
        wanted = str(hdu.values["DATASUM"]).strip()
        if wanted != str(data):
            wrong["fits_datasum"].append(f"HDU {hdu.index}: DATASUM {wanted[:40]}, computed {data}")
    if "fits_checksum" in announced:
        whole = _folded(data + _sum(source, hdu.header_at, hdu.data_at - hdu.header_at))
        if whole not in {0, ALL_ONES}:
            wrong["fits_checksum"].append(
                f"HDU {hdu.index}: its bytes sum to {whole:#010x}, not {ALL_ONES:#010x}"
            )


def _report(check: str, problems: list[str], absent: list[int], total: int, findings: Findings) -> None:
    checked = f"{total - len(absent)} of {total} HDUs"
    if problems:
        findings.advise(check, False, "; ".join(problems), value=checked)
    elif absent:
        findings.advise(check, None, f"no {check[5:].upper()} in HDU {_listed(absent)}", value=checked)
    else:
        findings.advise(check, True, value=checked)


def _report_absent(absent: dict[str, list[int]], total: int, findings: Findings) -> None:
    missing = {check[5:].upper(): places for check, places in absent.items() if places}
    shown = "; ".join(f"no {name} in HDU {_listed(places)}" for name, places in missing.items())
    without = len({place for places in missing.values() for place in places})
    value = f"{total - without} of {total} HDUs"
    findings.advise("checksums_present", not missing, shown or None, value=value)


def _listed(places: list[int]) -> str:
    more = ", …" if len(places) > SHOWN else ""
    return ", ".join(str(index) for index in places[:SHOWN]) + more


def _sum(source: BinaryIO, at: int, length: int) -> int:
    """The 32-bit ones' complement sum of ``length`` bytes from ``at``; what is missing counts as zero."""
    import numpy as np

    source.seek(at)
    total, buffer = 0, memoryview(bytearray(min(max(length, 0), CHUNK_BYTES) + 3))
    while length > 0 and (count := source.readinto(buffer[: min(length, CHUNK_BYTES)])):  # type: ignore[attr-defined]
        length -= count
        padded = count + -count % 4
        buffer[count:padded] = bytes(padded - count)
        words = np.frombuffer(buffer[:padded], dtype=">u4")
        total = _folded(total + int(words.sum(dtype=np.uint64)))
    return total


def _folded(total: int) -> int:
    while total > ALL_ONES:
        total = (total >> 32) + (total & ALL_ONES)
    return total
