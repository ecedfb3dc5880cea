"""How many bytes of data a FITS header announces, with every number in it checked first."""

from collections.abc import Mapping
from math import prod

from consumers.formats.fits_columns import check_columns
from consumers.formats.inspection import InvalidFileError, Scalar

__all__ = ["data_bytes"]

BITPIX = frozenset({8, 16, 32, 64, -32, -64})
MAX_AXES = 999  # FITS 4.0, 4.4.1.1
MAX_FIELDS = 999  # FITS 4.0, 7.2.1
MAX_BYTES = 2**62  # no file is larger, and 999 long axes multiply to a number too long to print


def data_bytes(values: Mapping[str, Scalar], index: int) -> int:
    """The size of the data after a header, without filling. Raises InvalidFileError where the header is not legal."""
    if index == 0 and values.get("SIMPLE") is not True:
        raise _illegal("SIMPLE", values.get("SIMPLE"), "T", index)
    if index and not isinstance(values.get("XTENSION"), str):
        raise _illegal("XTENSION", values.get("XTENSION"), "a name such as IMAGE or BINTABLE", index)
    bits = _number(values, "BITPIX", index)
    if bits not in BITPIX:
        raise _illegal("BITPIX", bits, "one of 8, 16, 32, 64, -32, -64", index)
    axes = _axes(values, "NAXIS", index)
    extra = _number(values, "PCOUNT", index, default=0)
    groups = _number(values, "GCOUNT", index, default=1)
    if extra < 0 or groups < 0:
        raise _illegal("PCOUNT, GCOUNT", f"{extra}, {groups}", ">= 0", index)
    _check_fields(values, index)
    check_columns(values, index, axes, extra)
    if axes and axes[0] == 0 and values.get("GROUPS") is True:
        axes = axes[1:]  # random groups: the first axis is a mark, not a size
    elements = prod(axes) if axes else 0
    return min(abs(bits) // 8 * groups * (extra + elements), MAX_BYTES)


def _check_fields(values: Mapping[str, Scalar], index: int) -> None:
    """Tables and compressed images tell readers how often to loop; astropy believes any number."""
    fields = _number(values, "TFIELDS", index, default=0)
    if not 0 <= fields <= MAX_FIELDS:
        raise _illegal("TFIELDS", fields, f"0 to {MAX_FIELDS}", index)
    if values.get("ZIMAGE") is True:
        _axes(values, "ZNAXIS", index)
        if _number(values, "ZBITPIX", index) not in BITPIX:
            raise _illegal("ZBITPIX", values["ZBITPIX"], "one of 8, 16, 32, 64, -32, -64", index)


def _axes(values: Mapping[str, Scalar], keyword: str, index: int) -> list[int]:
    """The length of every axis; all that are announced must be there."""
    count = _number(values, keyword, index)
    if count > MAX_AXES:
        # A billion axes make astropy loop for hours over keywords that are not there.
        raise InvalidFileError(
            "UNSAFE_CONTENT",
            f"{keyword} of HDU {index} is {count}, wanted 0 to {MAX_AXES}; write the header again",
            found=str(count),
            wanted=f"0 to {MAX_AXES}",
        )
    if count < 0:
        raise _illegal(keyword, count, f"0 to {MAX_AXES}", index)
    lengths = [_number(values, f"{keyword}{n}", index) for n in range(1, count + 1)]
    for n, length in enumerate(lengths, start=1):
        if length < 0:
            raise _illegal(f"{keyword}{n}", length, ">= 0", index)
    return lengths


def _number(values: Mapping[str, Scalar], keyword: str, index: int, default: int | None = None) -> int:
    value = values.get(keyword, default)
    if value is None:
        raise InvalidFileError(
            "MISSING_KEYWORD",
            f"{keyword} is missing in HDU {index}, without it the data cannot be found; write the header again",
            found="nothing",
            wanted=keyword,
        )
    if isinstance(value, bool) or not isinstance(value, int):
        raise _illegal(keyword, value, "an integer", index)
    return value


def _illegal(keyword: str, found: Scalar, wanted: str, index: int) -> InvalidFileError:
    return InvalidFileError(
        "UNREADABLE",
        f"{keyword} of HDU {index} is {found!r:.80}, wanted {wanted}; write the header again",
        found=str(found),
        wanted=wanted,
    )
