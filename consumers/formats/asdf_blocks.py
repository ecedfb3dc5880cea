"""The binary blocks of an ASDF file: every header checked by hand against the file's size, no block decompressed."""

import hashlib
import struct
from dataclasses import dataclass
from typing import BinaryIO

from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError
from consumers.formats.text import shortened

__all__ = ["Block", "check_block_sums", "read_blocks"]

MAGIC = b"\xd3BLK"
INDEX_START = b"#ASDF BLOCK INDEX"
HEADER = struct.Struct(">I4sQQQ16s")
PREFIX_BYTES = len(MAGIC) + 2  # the magic and the length of the header
STREAMED = 0x1
MAX_BLOCKS = 10_000
MAX_BLOCK_BYTES = 4 * 1024**3  # the largest array of any product we take is a few hundred megabytes
MAX_INDEX_BYTES = 1024**2
CHUNK_BYTES = 1024**2
# Compression and the most it can shrink data: zlib 1,032:1 (its documentation), lz4 255:1 (its block format).
# bzip2 has no such bound: 1.8 kB were seen to become gigabytes whatever the header said.
RATIOS = {b"\0\0\0\0": 1, b"zlib": 1_040, b"lz4\0": 256}
UNBOUNDED = {b"bzp2": "bzip2", b"blsc": "Blosc", b"zstd": "Zstandard"}
"""Packings that other writers of ASDF use, of which no header tells how large they become."""
RATIO_SLACK_BYTES = 64 * 1024  # headers of frames, which weigh much in small blocks


@dataclass(frozen=True, slots=True)
class Block:
    """One block: where its bytes lie, how large they are as stored and as read, and the MD5 it announces."""

    index: int
    at: int
    data_at: int
    allocated_bytes: int
    used_bytes: int
    data_bytes: int
    compression: str
    md5: bytes | None
    is_streamed: bool


def read_blocks(source: BinaryIO, at: int, size_bytes: int, findings: Findings) -> tuple[Block, ...]:
    """The blocks from ``at`` on. Raises InvalidFileError, and nothing else, where a header is cut, lies or bursts."""
    blocks: list[Block] = []
    at = _first_block(source, at, size_bytes)
    while at < size_bytes:
        source.seek(at)
        head = source.read(len(INDEX_START))
        if head.startswith(INDEX_START):
            _check_index(source, at, blocks, findings)
            break
        if not head.startswith(MAGIC):
            _check_rest(head, at, size_bytes, findings)
            break
        if len(blocks) == MAX_BLOCKS:
            raise InvalidFileError(
                "LIMIT_EXCEEDED", f"more than {MAX_BLOCKS} blocks; no product has that many"
            )
        blocks.append(_read_block(source, at, len(blocks), size_bytes))
        at = blocks[-1].data_at + blocks[-1].allocated_bytes
    else:
        if blocks and not blocks[-1].is_streamed:
            findings.warn(
                "NO_BLOCK_INDEX", f"the file ends at byte {size_bytes} with a block, without an index"
            )
    return tuple(blocks)


def check_block_sums(source: BinaryIO, blocks: tuple[Block, ...], findings: Findings) -> None:
    """One advisory result: the MD5 sums of the blocks as stored. asdf itself does not look at them."""
    wrong = [block for block in blocks if block.md5 and _md5(source, block) != block.md5]
    checked = sum(block.md5 is not None for block in blocks)
    value = f"{checked} of {len(blocks)} blocks"
    if wrong:
        named = ", ".join(f"block {block.index} at byte {block.at}" for block in wrong[:10])
        findings.advise("block_checksums", False, f"the bytes differ from their MD5 in {named}", value=value)
    elif checked:
        findings.advise("block_checksums", True, value=value)
    else:
        findings.advise("block_checksums", None, "no block carries an MD5", value=value)


def _first_block(source: BinaryIO, at: int, size_bytes: int) -> int:
    """Where the first block starts: writers may leave zeros or blanks between the tree and it."""
    source.seek(at)
    while at < size_bytes and (chunk := source.read(CHUNK_BYTES)):
        filled = len(chunk) - len(chunk.lstrip(b"\0 \r\n"))
        at += filled
        if filled < len(chunk):
            break
    return at


def _read_block(source: BinaryIO, at: int, index: int, size_bytes: int) -> Block:
    where = f"block {index} at byte {at}"
    source.seek(at + len(MAGIC))
    header_bytes = int.from_bytes(source.read(2), "big")
    data_at = at + PREFIX_BYTES + header_bytes
    if data_at > size_bytes:
        raise _truncated(f"the header of {where} ends at byte {data_at}", size_bytes)
    if header_bytes < HEADER.size:
        raise _lie(
            f"{where} announces a header of {header_bytes} bytes", f">= {HEADER.size}", code="UNREADABLE"
        )
    flags, compression, allocated, used, data, md5 = HEADER.unpack(source.read(HEADER.size))
    if flags & STREAMED:
        allocated = used = data = size_bytes - data_at  # a streamed block has no sizes: it goes on to the end
    if compression not in RATIOS:
        told = (
            f"with {UNBOUNDED[compression]}, which can burst"
            if compression in UNBOUNDED
            else f"as {compression!r}"
        )
        raise _lie(f"{where} is compressed {told}", "none, zlib or lz4")
    if data_at + allocated > size_bytes:
        raise _truncated(f"{where} ends at byte {data_at + allocated}", size_bytes)
    _check_sizes(where, compression, allocated=allocated, used=used, data=data)
    name = compression.rstrip(b"\0").decode("ascii")
    return Block(
        index, at, data_at, allocated, used, data, name, md5 if any(md5) else None, bool(flags & STREAMED)
    )


def _check_sizes(where: str, compression: bytes, *, allocated: int, used: int, data: int) -> None:
    if used > allocated:
        raise _lie(f"{where} uses {used} of {allocated} bytes", "used <= allocated")
    if compression == b"\0\0\0\0" and data != used:
        raise _lie(f"{where} holds {used} bytes uncompressed and announces {data}", "the same number")
    if data > used * RATIOS[compression] + RATIO_SLACK_BYTES:
        raise _lie(
            f"{where} announces {data} bytes from {used}", f"at most {RATIOS[compression]} times as many"
        )
    if data > MAX_BLOCK_BYTES:
        raise _lie(f"{where} announces {data} bytes", f"<= {MAX_BLOCK_BYTES}", code="LIMIT_EXCEEDED")


def _check_index(source: BinaryIO, at: int, blocks: list[Block], findings: Findings) -> None:
    """The index at the end must be whole; a wrong one is a warning, since we count the blocks ourselves."""
    source.seek(at)
    text = source.read(MAX_INDEX_BYTES)
    if not text.rstrip().endswith(b"..."):
        raise _truncated("the index of blocks is cut", at + len(text))
    listed = [line[2:].strip() for line in text.splitlines() if line.startswith(b"- ")]
    if listed != [str(block.at).encode() for block in blocks]:
        findings.warn(
            "BLOCK_INDEX_WRONG",
            f"the index lists {len(listed)} blocks, of which some do not lie where it says; "
            f"{len(blocks)} blocks were found",
        )


def _check_rest(head: bytes, at: int, size_bytes: int, findings: Findings) -> None:
    if head.strip(b"\0"):
        raise InvalidFileError(
            "UNREADABLE",
            f"byte {at}: found {shortened(repr(head[:4]), 40)}, wanted a block or the index; send it again",
            found=shortened(repr(head[:4]), 40),
            wanted=repr(MAGIC),
        )
    findings.warn(
        "TRAILING_BYTES", f"{size_bytes - at} bytes after the last block, at byte {at}, belong to nothing"
    )


def _md5(source: BinaryIO, block: Block) -> bytes:
    digest, left = hashlib.md5(usedforsecurity=False), block.used_bytes
    source.seek(block.data_at)
    while left and (chunk := source.read(min(left, CHUNK_BYTES))):
        digest.update(chunk)
        left -= len(chunk)
    return digest.digest()


def _truncated(what: str, size_bytes: int) -> InvalidFileError:
    return InvalidFileError(
        "TRUNCATED",
        f"{what}, the file at {size_bytes}; send the whole file",
        found=f"{size_bytes} bytes",
        wanted=what,
    )


def _lie(found: str, wanted: str, *, code: str = "UNSAFE_CONTENT") -> InvalidFileError:
    return InvalidFileError.unlike(code, found, wanted, then="write the file again")
