"""The columns that a binary table announces: each must be there, and all together must fill a row."""

import re
from collections.abc import Mapping

from consumers.formats.inspection import InvalidFileError, Scalar

__all__ = ["check_columns"]

FORM = re.compile(r"(?P<count>\d{0,12})(?P<type>[LXBIJKAEDCMPQ])(?P<more>.{0,60})")
# FITS 4.0, table 18: bytes of one element; a bit is an eighth of a byte, P and Q are places in the heap.
BYTES = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}


def check_columns(values: Mapping[str, Scalar], index: int, axes: list[int], heap_bytes: int) -> None:
    """Raise InvalidFileError where readers would loop or reach beyond the table, though its size is as announced."""
    if str(values.get("XTENSION") or "").strip() != "BINTABLE":
        return
    if len(axes) != 2:
        raise _illegal("NAXIS of a binary table", len(axes), "2", index)
    fields = values.get("TFIELDS")
    if not isinstance(fields, int):
        raise _missing("TFIELDS", index)
    widths = [_width(values, f"TFORM{number}", index) for number in range(1, fields + 1)]
    if sum(widths) != axes[0]:
        raise _illegal("the width of all columns", f"{sum(widths)} bytes", f"NAXIS1, {axes[0]} bytes", index)
    heap_at = values.get("THEAP")
    rows = axes[0] * axes[1]
    if heap_at is not None and not (isinstance(heap_at, int) and rows <= heap_at <= rows + heap_bytes):
        raise _illegal("THEAP", heap_at, f"{rows} to {rows + heap_bytes}", index)


def _width(values: Mapping[str, Scalar], keyword: str, index: int) -> int:
    form = values.get(keyword)
    if form is None:
        raise _missing(keyword, index)
    found = FORM.fullmatch(str(form).strip())
    if found is None or isinstance(form, bool | int | float):
        raise _illegal(keyword, form, "a form such as 10E or 1PB(99)", index)
    count = int(found["count"] or 1)
    return -(-count // 8) if found["type"] == "X" else count * BYTES[found["type"]]


def _missing(keyword: str, index: int) -> InvalidFileError:
    return InvalidFileError(
        "MISSING_KEYWORD",
        f"{keyword} is missing in HDU {index}, without it the table cannot be read; write the header again",
        found="nothing",
        wanted=keyword,
    )


def _illegal(what: str, found: Scalar, wanted: str, index: int) -> InvalidFileError:
    return InvalidFileError(
        "UNREADABLE",
        f"{what} of HDU {index} is {found!r:.80}, wanted {wanted}; write the header again",
        found=str(found),
        wanted=wanted,
    )
