"""Sets of places as bits of one number: counted, listed as ranges, and packed for a snapshot."""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator

__all__ = ["bits_of", "count", "pack", "ranges_of", "unpack"]


def bits_of(ranges: Iterable[tuple[int, int]]) -> int:
    """The places from first to last, both included, of each range."""
    bits = 0
    for first, last in ranges:
        bits |= ((1 << (last - first + 1)) - 1) << first
    return bits


def count(bits: int) -> int:
    """How many places."""
    return bits.bit_count()


def ranges_of(bits: int, at_most: int) -> tuple[tuple[int, int], ...]:
    """The first so many ranges of the set, in order."""
    found = []
    for each in _runs(bits):
        found.append(each)
        if len(found) == at_most:
            break
    return tuple(found)


def pack(bits: int) -> str:
    """As text: runs take next to nothing, and no set takes more than a bit and a third a place."""
    return b64encode(zlib.compress(bits.to_bytes((bits.bit_length() + 7) // 8), 6)).decode() if bits else ""


def unpack(text: str) -> int:
    """The set from what ``pack`` gave."""
    return int.from_bytes(zlib.decompress(b64decode(text))) if text else 0


def _runs(bits: int) -> Iterator[tuple[int, int]]:
    # By the text of the number: shifting a long number for every run would cost the square of its length.
    digits = f"{bits:b}"[::-1] if bits else ""
    first = digits.find("1")
    while first >= 0:
        end = digits.find("0", first)
        last = (end if end >= 0 else len(digits)) - 1
        yield first, last
        first = digits.find("1", last + 1)
