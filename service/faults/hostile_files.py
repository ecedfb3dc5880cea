"""Files that nobody should open: FITS and ASDF written byte by byte, each with the code under which it is INVALID."""

import gzip
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["HostileFile", "a_fits_file", "hostile_files"]

_ASDF = "#ASDF 1.0.0\n#ASDF_STANDARD 1.6.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\n"
_BLOCK = struct.Struct(">4sHI4sQQQ16s")
_LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)
)
_SWOLLEN_BYTES = 32 << 20


@dataclass(frozen=True)
class HostileFile:
    """Bytes that a sender announces as if they were good, in a stream of this format, and the code of the verdict."""

    name: str
    format: str
    content: bytes
    code: str


def hostile_files(*, mark: str) -> Iterator[HostileFile]:
    """One of each kind; ``mark`` stands in those that have room for it, so that two rounds differ."""
    yield from _fits(mark)
    yield from _asdf(mark)


def a_fits_file(mark: str, *, size_bytes: int) -> bytes:
    """A good one, for comparison: an image of bytes, about so large."""
    header = _cards(f"OBJECT  = '{mark:<8}'", axes=(size_bytes,))
    data = (mark.encode() * (size_bytes // len(mark) + 1))[:size_bytes]
    return header + data + bytes(-size_bytes % 2880)


def _fits(mark: str) -> Iterator[HostileFile]:
    told = f"OBJECT  = '{mark:<8}'"

    def fits(name: str, code: str, content: bytes) -> HostileFile:
        return HostileFile(f"fits_{name}", "fits", content, code)

    yield fits("empty", "EMPTY_FILE", b"")
    yield fits("text", "NOT_THE_FORMAT", b"<html>502 Bad Gateway " + mark.encode())
    yield fits("gzip_bomb", "NOT_THE_FORMAT", gzip.compress(mark.encode() + bytes(_SWOLLEN_BYTES)))
    yield fits("no_end", "TRUNCATED", _cards(told, end=False))
    yield fits("no_data", "TRUNCATED", _cards(told, axes=(100, 100)))
    yield fits("axes_of_two_billion", "TRUNCATED", _cards(told, axes=(2 * 10**9, 2 * 10**9)))
    yield fits("a_billion_axes", "UNSAFE_CONTENT", _cards(told, NAXIS=10**9))
    yield fits("axes_without_lengths", "MISSING_KEYWORD", _cards(told, NAXIS=999))
    yield fits("negative_axis", "UNREADABLE", _cards(told, axes=(-5,)))
    yield fits("bitpix_7", "UNREADABLE", _cards(told, BITPIX=7))
    yield fits("many_cards", "LIMIT_EXCEEDED", _cards(*(f"KEY{n:<5}= {n:>20}" for n in range(200_000)), told))
    yield fits("twice", "DUPLICATE_KEYWORD", _cards(told, "OBJECT  = 'another '"))
    yield fits("nul_in_a_value", "UNSAFE_CONTENT", _cards(f"OBJECT  = '{mark}\x00'"))


def _asdf(mark: str) -> Iterator[HostileFile]:
    told = f"mark: {mark}\n"

    def asdf(name: str, code: str, tree: str, *blocks: bytes) -> HostileFile:
        content = f"{_ASDF}{told}{tree}\n...\n".encode() + b"".join(blocks)
        return HostileFile(f"asdf_{name}", "asdf", content, code)

    yield HostileFile("asdf_cut", "asdf", f"{_ASDF}{told}".encode(), "TRUNCATED")
    yield asdf("billion_laughs", "UNSAFE_CONTENT", _LAUGHS)
    yield asdf("python", "UNSAFE_CONTENT", "a: !!python/object/apply:os.system ['id']")
    yield asdf("inside_itself", "UNSAFE_CONTENT", "a: &a [*a]")
    yield asdf("brackets", "LIMIT_EXCEEDED", f"a: {'[' * 20_000}{']' * 20_000}")
    yield asdf("many_keys", "LIMIT_EXCEEDED", "\n".join(f"k{n}: 1" for n in range(300_000)))
    yield asdf("key_twice", "DUPLICATE_KEYWORD", "a: 1\na: 2")
    yield asdf("file_elsewhere", "UNSAFE_CONTENT", _array(source="'file:///etc/passwd'"))
    yield asdf("server_elsewhere", "UNSAFE_CONTENT", _array(source="'http://169.254.169.254/latest'"))
    yield asdf("negative_offset", "UNSAFE_CONTENT", _array(offset=-4), _block(bytes(8)))
    yield asdf("stands_still", "UNSAFE_CONTENT", _array(shape="[1000000]", strides="[0]"), _block(bytes(8)))
    yield asdf("an_exabyte", "TRUNCATED", _array(), _block(bytes(8), allocated=2**60))
    swollen = zlib.compress(bytes(8))
    yield asdf("swells", "UNSAFE_CONTENT", _array(), _block(swollen, compression=b"zlib", data=2**33))
    yield asdf("bzip2", "UNSAFE_CONTENT", _array(), _block(b"BZh9", compression=b"bzp2", data=8))


def _cards(*more: str, axes: tuple[int, ...] = (), end: bool = True, **changed: Any) -> bytes:
    lengths = {f"NAXIS{number}": axis for number, axis in enumerate(axes, 1)}
    first = {"SIMPLE": "T", "BITPIX": 8, "NAXIS": len(axes)} | lengths | changed
    lines = [f"{keyword:<8}= {value:>20}" for keyword, value in first.items()] + [*more]
    header = b"".join(line.encode("ascii").ljust(80)[:80] for line in lines)
    if not end:
        return header
    header += b"END".ljust(80)
    return header + b" " * (-len(header) % 2880)


def _array(**members: object) -> str:
    shown = {"source": 0, "datatype": "uint8", "byteorder": "little", "shape": "[8]"} | members
    return f"data: !core/ndarray-1.1.0 {{{', '.join(f'{key}: {value}' for key, value in shown.items())}}}"


def _block(
    stored: bytes, *, compression: bytes = bytes(4), allocated: int | None = None, data: int | None = None
) -> bytes:
    size = len(stored)
    sizes = (size if allocated is None else allocated, size, size if data is None else data)
    return _BLOCK.pack(b"\xd3BLK", 48, 0, compression, *sizes, bytes(16)) + stored
