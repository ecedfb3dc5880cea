"""The bytes of a compressed ASDF block, unpacked as they are asked for, a few megabytes at a time."""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

from consumers.formats.asdf_blocks import Block

__all__ = ["CHUNK_BYTES_AT_MOST", "Chunk", "UnpackError", "Unpacking", "chunks", "unpacked", "unpacking"]

CHUNK_BYTES_AT_MOST = 16 * 1024**2
"""asdf packs four megabytes at once for lz4; what says more of itself is not unpacked."""

_PACKED_BYTES = 256 * 1024
_LENGTH, _SIZE = struct.Struct(">I"), struct.Struct("<I")


class UnpackError(ValueError):
    """The block is damaged, or ends before its array does."""


class Unpacking(Protocol):
    """A block's bytes from the front."""

    def read(self, count: int) -> bytes:
        """Exactly so many; raises UnpackError where the block holds fewer or is damaged."""


class Chunk(NamedTuple):
    """One piece of an lz4 block that can be unpacked by itself."""

    at: int
    packed_bytes: int
    data_bytes: int


def unpacking(source: BinaryIO, block: Block) -> Unpacking:
    """Reads a block that is packed with zlib or lz4, or not at all. It moves the file's position."""
    if block.compression == "lz4":
        return _Chunked(source, block)
    return _Inflated(source, block) if block.compression == "zlib" else _Plain(source, block)


def chunks(source: BinaryIO, block: Block) -> Iterator[Chunk]:
    """The pieces of an lz4 block, none unpacked. Raises UnpackError where what they say cannot be."""
    at, end = block.data_at, block.data_at + block.used_bytes
    while at < end:
        source.seek(at)
        head = source.read(_LENGTH.size + _SIZE.size)
        if len(head) < _LENGTH.size + _SIZE.size:
            raise UnpackError(
                f"block {block.index}: found no whole piece at byte {at}, wanted one up to {end}"
            )
        (packed,), (size,) = _LENGTH.unpack_from(head), _SIZE.unpack_from(head, _LENGTH.size)
        at += _LENGTH.size
        if not _SIZE.size < packed <= end - at or not 0 < size <= CHUNK_BYTES_AT_MOST:
            wanted = f"at most {end - at} packed and {CHUNK_BYTES_AT_MOST} unpacked"
            raise UnpackError(
                f"block {block.index}: found a piece of {packed} bytes for {size} at byte {at}, wanted {wanted}"
            )
        yield Chunk(at, packed, size)
        at += packed


def unpacked(source: BinaryIO, chunk: Chunk) -> bytes:
    """What a piece holds. Raises UnpackError where it is damaged."""
    import lz4.block

    source.seek(chunk.at)
    packed = source.read(chunk.packed_bytes)
    try:
        data = bytes(lz4.block.decompress(packed))
    except (lz4.block.LZ4BlockError, ValueError) as error:
        raise UnpackError(f"the piece at byte {chunk.at} cannot be unpacked: {error}") from error
    if len(data) != chunk.data_bytes:
        raise UnpackError(f"the piece at byte {chunk.at}: found {len(data)} bytes, wanted {chunk.data_bytes}")
    return data


class _Plain:
    def __init__(self, source: BinaryIO, block: Block) -> None:
        self._source = source
        self._at, self._end = block.data_at, block.data_at + block.used_bytes

    def read(self, count: int) -> bytes:
        self._source.seek(self._at)
        found = self._source.read(min(count, self._end - self._at))
        self._at += len(found)
        return _whole(found, count)


class _Inflated:
    def __init__(self, source: BinaryIO, block: Block) -> None:
        self._source = source
        self._at, self._end = block.data_at, block.data_at + block.used_bytes
        self._unpacker = zlib.decompressobj()

    def read(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            packed = self._unpacker.unconsumed_tail or self._more()
            if not packed:
                break
            try:
                found += self._unpacker.decompress(packed, count - len(found))
            except zlib.error as error:
                raise UnpackError(f"the bytes before {self._at} cannot be unpacked: {error}") from error
        return _whole(bytes(found), count)

    def _more(self) -> bytes:
        self._source.seek(self._at)
        packed = self._source.read(max(0, min(_PACKED_BYTES, self._end - self._at)))
        self._at += len(packed)
        return packed


class _Chunked:
    def __init__(self, source: BinaryIO, block: Block) -> None:
        self._source = source
        self._chunks = chunks(source, block)
        self._data, self._taken = b"", 0

    def read(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            piece = self._data[self._taken : self._taken + count - len(found)]
            if not piece:
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._data, self._taken = unpacked(self._source, chunk), 0
                continue
            found += piece
            self._taken += len(piece)
        return _whole(bytes(found), count)


def _whole(found: bytes, count: int) -> bytes:
    if len(found) < count:
        raise UnpackError(f"the block ends {count - len(found)} bytes before the end of its image")
    return found
