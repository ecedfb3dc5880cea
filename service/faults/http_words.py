"""HTTP/1.1 as far as a proxy needs it: a message's head, and its body carried piece by piece."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Self

__all__ = ["Head", "body", "read_head"]

_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Head:
    """The first line and the fields of a request or an answer, and the same as bytes."""

    raw: bytes
    first: tuple[str, str, str]
    fields: dict[str, str]

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """From the bytes up to the empty line."""
        lines = raw.decode("latin-1").split("\r\n")
        words = (*lines[0].split(" ", 2), "", "")
        pairs = (line.partition(":") for line in lines[1:] if line)
        return cls(
            raw, (words[0], words[1], words[2]), {name.lower(): value.strip() for name, _, value in pairs}
        )

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.first[1])

    @property
    def length(self) -> int:
        """Bytes of the body as announced, 0 where nothing is."""
        return int(self.fields.get("content-length") or 0)

    @property
    def is_last(self) -> bool:
        """The connection ends with this answer, and perhaps its body only with the connection."""
        return "close" in self.fields.get("connection", "").lower()

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks, each with its length."""
        return "chunked" in self.fields.get("transfer-encoding", "").lower()


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next message's head, None at the end of the connection."""
    try:
        return Head.read(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None


async def body(reader: asyncio.StreamReader, head: Head, *, to_the_end: bool = False) -> AsyncIterator[bytes]:
    """The body as it stands on the wire, frames of chunks included; all there is, where no length says otherwise."""
    if head.is_chunked:
        async for piece in _chunks(reader):
            yield piece
    elif to_the_end and "content-length" not in head.fields:
        while piece := await reader.read(_PIECE_BYTES):
            yield piece
    else:
        async for piece in _exactly(reader, head.length):
            yield piece


async def _exactly(reader: asyncio.StreamReader, count: int) -> AsyncIterator[bytes]:
    while count:
        piece = await reader.read(min(count, _PIECE_BYTES))
        if not piece:
            raise EOFError
        count -= len(piece)
        yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int((line := await reader.readline()).split(b";")[0] or b"0", 16):
        yield line
        async for piece in _exactly(reader, size + 2):
            yield piece
    yield line
    while trailer := await reader.readline():
        yield trailer
        if trailer == b"\r\n":
            return
    raise EOFError
