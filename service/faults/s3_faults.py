"""A proxy before the S3 server that knows requests from answers, and spoils the ones it is told to.

What it passes on is untouched, also the field Host, so signatures hold.
"""

import asyncio
import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from xml.sax.saxutils import escape

from service.faults.http_words import Head, body, read_head
from service.faults.proxy_loop import Connection, ProxyLoop

__all__ = ["S3Fault", "S3FaultProxy", "Spoil"]


class Spoil(StrEnum):
    """What is done to a request or to its answer."""

    REFUSE = "refuse"  # an error is answered, and the server hears nothing
    SLOW = "slow"  # it waits before the server hears it
    RESET_UPLOAD = "reset_upload"  # RST in the middle of the body
    LOSE_ANSWER = "lose_answer"  # the server does it, and the client hears RST
    TRUNCATE = "truncate"  # the answer's body ends half-way
    WRONG_BYTES = "wrong_bytes"  # a bit of the answer's body is flipped


ON_BODY = {Spoil.TRUNCATE, Spoil.WRONG_BYTES}
ON_UPLOAD = {Spoil.RESET_UPLOAD}


@dataclass(frozen=True)
class S3Fault:
    """Befalls the next ``times`` requests of these methods whose path contains ``part``."""

    spoil: Spoil
    methods: frozenset[str] = frozenset({"PUT", "GET", "HEAD", "POST"})
    times: int = 1
    status: int = 500
    code: str = "InternalError"
    wait_s: float = 0.0
    part: str = ""

    def befalls(self, request: Head) -> bool:
        """Whether it is meant for this request, and can be done to it."""
        method, path, _ = request.first
        has_body = request.length > 0 or request.is_chunked
        return (
            method in self.methods
            and self.part in path
            and (self.spoil not in ON_UPLOAD or has_body)
            and (self.spoil not in ON_BODY or method == "GET")
        )


class S3FaultProxy(ProxyLoop):
    """Passes requests and answers on; `arm` says what shall go wrong."""

    def __init__(self, *, server_port: int, port: int = 0) -> None:
        super().__init__(server_port=server_port, port=port)
        self._lock = threading.Lock()
        self._armed: list[S3Fault] = []
        self.spoiled = 0

    def arm(self, fault: S3Fault) -> None:
        """Let this go wrong, beside what is armed already; ``spoiled`` counts."""
        with self._lock:
            self._armed.append(fault)

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._armed.clear()
        self.admit()

    async def converse(self, connection: Connection) -> None:
        """Request by request, until one side has had enough or a fault ended it."""
        while request := await _next_request(connection):
            fault = self._fault_for(request)
            if fault is not None and fault.spoil is Spoil.REFUSE:
                await _refuse(connection, request, fault)
                return
            if fault is not None and fault.spoil is Spoil.SLOW:
                await asyncio.sleep(fault.wait_s)
            if not await _exchange(connection, request, None if fault is None else fault.spoil):
                return

    def _fault_for(self, request: Head) -> S3Fault | None:
        with self._lock:
            for number, fault in enumerate(self._armed):
                if fault.befalls(request):
                    left = replace(fault, times=fault.times - 1)
                    self._armed[number : number + 1] = [left] if left.times else []
                    self.spoiled += 1
                    return fault
        return None


async def _refuse(connection: Connection, request: Head, fault: S3Fault) -> None:
    """An error as S3 words it; the connection ends with it, so the body need not be read."""
    told = f"<Error><Code>{escape(fault.code)}</Code><Message>a fault put in on purpose</Message></Error>"
    text = b"" if request.first[0] == "HEAD" else f'<?xml version="1.0" encoding="UTF-8"?>\n{told}'.encode()
    head = (
        f"HTTP/1.1 {fault.status} Fault\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    )
    connection.to_client.write(head.encode() + text)
    await connection.to_client.drain()
    if "100-continue" not in request.fields.get("expect", "").lower():
        # With bytes unread the socket's end would be RST, and the answer lost on its way.
        async for _ in body(connection.from_client, request):
            pass


async def _exchange(connection: Connection, request: Head, spoil: Spoil | None) -> bool:
    """One request and its answer; False if that was the connection's last."""
    connection.to_server.write(request.raw)
    await connection.to_server.drain()
    upload = asyncio.create_task(_upload(connection, request, spoil))
    try:
        answer = await _answer_head(connection, upload)
        while answer is not None and answer.status < 200:
            connection.to_client.write(answer.raw)
            await connection.to_client.drain()
            answer = await _answer_head(connection, upload)
        if answer is None or spoil is Spoil.LOSE_ANSWER:
            connection.reset()
            return False
        is_whole = await _answer(connection, request, answer, spoil)
        return is_whole and not answer.is_last and upload.done() and upload.exception() is None
    finally:
        upload.cancel()
        await asyncio.gather(upload, return_exceptions=True)


async def _next_request(connection: Connection) -> Head | None:
    """What the client asks next; None: one of the two has had enough, and the other is to hear of it."""
    asked = asyncio.create_task(read_head(connection.from_client))
    gone = asyncio.create_task(connection.from_server.read(1))  # between two answers a server only ever goes
    try:
        await asyncio.wait({asked, gone}, return_when=asyncio.FIRST_COMPLETED)
        return None if gone.done() else asked.result()
    finally:
        for task in (asked, gone):
            task.cancel()
        await asyncio.gather(asked, gone, return_exceptions=True)


async def _answer_head(connection: Connection, upload: asyncio.Task[None]) -> Head | None:
    """The next head from the server; raises what ends the upload before it, so that nobody waits in vain."""
    answer = asyncio.create_task(read_head(connection.from_server))
    try:
        await asyncio.wait({answer, upload}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            await upload
        return await answer
    finally:
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)


async def _upload(connection: Connection, request: Head, spoil: Spoil | None) -> None:
    sent = 0
    async for piece in body(connection.from_client, request):
        if spoil is Spoil.RESET_UPLOAD and sent + len(piece) >= request.length // 2:
            connection.to_server.write(piece[: len(piece) // 2])
            await connection.to_server.drain()
            connection.reset()
            return
        connection.to_server.write(piece)
        await connection.to_server.drain()
        sent += len(piece)


async def _answer(connection: Connection, request: Head, answer: Head, spoil: Spoil | None) -> bool:
    """False if it ended half-way."""
    connection.to_client.write(answer.raw)
    has_none = request.first[0] == "HEAD" or answer.status in {204, 304}
    sent = 0
    if not has_none:
        async for piece in body(connection.from_server, answer, to_the_end=answer.is_last):
            if spoil is Spoil.TRUNCATE and sent + len(piece) >= answer.length // 2:
                connection.to_client.write(piece[: len(piece) // 2])
                await connection.to_client.drain()
                return False
            is_turn = spoil is Spoil.WRONG_BYTES and sent == 0
            connection.to_client.write(_flipped(piece) if is_turn else piece)
            await connection.to_client.drain()
            sent += len(piece)
    await connection.to_client.drain()
    return True


def _flipped(piece: bytes) -> bytes:
    middle = len(piece) // 2
    return piece[:middle] + bytes([piece[middle] ^ 1]) + piece[middle + 1 :]
