"""A listener on loopback whose connections are served by one thread, controlled from any other."""

import asyncio
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self, TypeVar

__all__ = ["CHUNK_BYTES", "Connection", "ProxyLoop"]

CHUNK_BYTES = 64 * 1024
_LOOPBACK = "127.0.0.1"
_BACKLOG = 256
T = TypeVar("T")
_RESET = struct.pack("ii", 1, 0)  # linger for no time: what closes says RST


class Connection:
    """One client and its server, as streams that read and write at the pace of the slower.

    ``is_mute``: what the server says from now on is lost, and ``has_answered`` is set when it said something.
    """

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.from_client, self.to_client = client
        self.from_server, self.to_server = server
        self.is_mute = False
        self.has_answered = asyncio.Event()

    def reset(self) -> None:
        """End both sides with RST, whatever is still on its way."""
        for writer in (self.to_client, self.to_server):
            _reset(writer)

    def close(self) -> None:
        """End both sides after what was written is gone."""
        for writer in (self.to_client, self.to_server):
            writer.close()


class ProxyLoop(ABC):
    """Listens on ``port`` (a free one if 0) and hands each connection to `converse`, until stopped."""

    def __init__(self, *, server_port: int, port: int = 0) -> None:
        self.server_port = server_port
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listener: asyncio.Server | None = None
        self._connections: set[Connection] = set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def count(self) -> int:
        """Connections open now."""
        return len(self._connections)

    def start(self) -> None:
        """Listen; the port stays the same until `stop`, also over a time of refusing."""
        self._thread.start()
        self._do(self._listen())

    def stop(self) -> None:
        """Listen no more and cut every connection."""
        self._do(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> int:
        """End every connection with RST, and say how many there were."""
        return self._do(self._reset_all())

    def refuse(self) -> None:
        """Cut every connection, and let nobody in until `admit`."""
        self._do(self._close_listener())
        self.cut()

    def admit(self) -> None:
        """Listen again; harmless if it does."""
        self._do(self._listen())

    @abstractmethod
    async def converse(self, connection: Connection) -> None:
        """Carry what is said between the two; the subclass says how."""

    def _do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(30)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(
                self._met, _LOOPBACK, self.port, limit=CHUNK_BYTES, backlog=_BACKLOG
            )
            self.port = self._listener.sockets[0].getsockname()[1]

    async def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            await asyncio.sleep(0)  # the sockets are closed in the loop's next round

    async def _reset_all(self) -> int:
        connections = list(self._connections)
        for connection in connections:
            connection.reset()
        return len(connections)

    async def _shut(self) -> None:
        await self._close_listener()
        await self._reset_all()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client has come. Where its server does not answer, the client hears what a dead server says: RST."""
        try:
            server = await asyncio.open_connection(_LOOPBACK, self.server_port, limit=CHUNK_BYTES)
        except OSError:
            _reset(writer)
            return
        connection = Connection((reader, writer), server)
        self._connections.add(connection)
        try:
            await self.converse(connection)
        except (OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):  # the last one: `stop`
            connection.reset()
        finally:
            connection.close()
            self._connections.discard(connection)


def _reset(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):  # it is closed already
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
