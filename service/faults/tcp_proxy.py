"""A TCP proxy between our parts and a server, which cuts, refuses, delays or holds back what is said."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass

from service.faults.proxy_loop import CHUNK_BYTES, Connection, ProxyLoop

__all__ = ["AFTER_COMMIT", "AT_COMMIT", "AT_END_OF_TRANSACTION", "Cut", "TcpProxy"]

_LOOKS_S = 0.02
_ANSWER_S = 5.0
_HEARD_S = 0.05  # RST takes away what the server has not read yet
_POSTGRES_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # the simple query, as psycopg2 sends it
_KAFKA_END_TXN = (
    b"\x00\x1a\x00"  # behind the four bytes of a request's length: its key, and its version's first byte
)


@dataclass(frozen=True)
class Cut:
    """Ends one connection, the first to which it applies, while the client speaks.

    ``after_bytes``: when so many have gone through, of all connections together, in the middle of whatever is said.
    ``marker``: where these bytes stand, and ``begins`` bytes before them; ``is_late``: the server still hears all
    of it, and only its answer is lost.
    """

    after_bytes: int | None = None
    marker: bytes = b""
    begins: int = 0
    is_late: bool = False


AT_COMMIT = Cut(marker=_POSTGRES_COMMIT)
"""PostgreSQL never hears the COMMIT."""

AFTER_COMMIT = Cut(marker=_POSTGRES_COMMIT, is_late=True)
"""PostgreSQL commits, and nobody is told."""

AT_END_OF_TRANSACTION = Cut(marker=_KAFKA_END_TXN, begins=4, is_late=True)
"""Kafka is told to commit or abort, and its answer is lost."""


class TcpProxy(ProxyLoop):
    """Passes everything on until told otherwise; what it holds back is in the sockets' buffers, not in memory."""

    def __init__(self, *, server_port: int, port: int = 0) -> None:
        super().__init__(server_port=server_port, port=port)
        self._lock = threading.Lock()
        self._delay_s = 0.0
        self._is_silent = False
        self._armed: Cut | None = None
        self._left_bytes = 0
        self.cuts_done = 0

    def heal(self) -> None:
        """Pass everything on again."""
        with self._lock:
            self._delay_s, self._is_silent, self._armed = 0.0, False, None
        self.admit()

    def delay(self, seconds: float) -> None:
        """Let every piece of up to 64 KiB wait, in both directions, connection by connection."""
        with self._lock:
            self._delay_s = seconds

    def silence(self) -> None:
        """Carry nothing, in either direction; connections stay, new ones are taken. `heal` lets all of it through."""
        with self._lock:
            self._is_silent = True

    def arm(self, cut: Cut) -> None:
        """Cut once, when the time has come; ``cuts_done`` tells."""
        with self._lock:
            self._armed, self._left_bytes = cut, cut.after_bytes or 0

    async def converse(self, connection: Connection) -> None:
        """Both directions at once, until one side has no more to say."""
        talks = [
            asyncio.create_task(self._listen_to_client(connection)),
            asyncio.create_task(self._listen_to_server(connection)),
        ]
        try:
            await asyncio.wait(talks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for talk in talks:
                talk.cancel()
            results = await asyncio.gather(*talks, return_exceptions=True)
        for result in results:
            if isinstance(result, OSError):
                raise result

    async def _listen_to_server(self, connection: Connection) -> None:
        while piece := await connection.from_server.read(CHUNK_BYTES):
            await self._pause()
            if connection.is_mute:
                connection.has_answered.set()
                continue
            connection.to_client.write(piece)
            await connection.to_client.drain()

    async def _listen_to_client(self, connection: Connection) -> None:
        tail = b""  # a marker may come in two pieces
        while piece := await connection.from_client.read(CHUNK_BYTES):
            await self._pause()
            cut, at = self._due(tail, piece)
            if cut is None:
                connection.to_server.write(piece)
                await connection.to_server.drain()
                tail = (tail + piece)[-32:]
                continue
            await self._cut_off(connection, piece if cut.is_late else piece[:at], cut)
            return

    async def _cut_off(self, connection: Connection, last: bytes, cut: Cut) -> None:
        """The server hears what it still may; the client hears nothing any more."""
        connection.is_mute = True
        connection.to_server.write(last)
        await connection.to_server.drain()
        with suppress(TimeoutError):
            await asyncio.wait_for(connection.has_answered.wait(), _ANSWER_S if cut.is_late else _HEARD_S)
        connection.reset()

    async def _pause(self) -> None:
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        while self._is_silent:  # noqa: ASYNC110 - it ends by another thread's word, which no event of the loop hears
            await asyncio.sleep(_LOOKS_S)

    def _due(self, tail: bytes, piece: bytes) -> tuple[Cut | None, int]:
        """The armed cut if it falls into this piece, and where."""
        with self._lock:
            cut = self._armed
            if cut is None:
                return None, 0
            if cut.after_bytes is not None:
                at, self._left_bytes = self._left_bytes, self._left_bytes - len(piece)
                is_due = self._left_bytes < 0
            else:
                found = (tail + piece).find(cut.marker)
                at, is_due = max(0, found - cut.begins - len(tail)), found >= 0
            if is_due:
                self._armed = None
                self.cuts_done += 1
            return (cut, at) if is_due else (None, 0)
