"""One question to a Kafka broker in its own protocol: who is there. No client is needed to ask it."""

import socket
import struct

__all__ = ["count_brokers"]

_METADATA, _VERSION = 3, 1
_LARGEST_ANSWER = 1 << 20


def count_brokers(host: str, port: int, *, timeout_s: float = 2.0) -> int:
    """How many brokers the one asked knows to be serving; 0 if it does not answer.

    A broker answers only when it processes requests, and lists itself only when the controller has admitted it.
    """
    request = struct.pack(">hhihi", _METADATA, _VERSION, 1, -1, 0)  # no client name, no topics
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(struct.pack(">i", len(request)) + request)
            (size,) = struct.unpack(">i", _receive(connection, 4))
            if not 8 <= size <= _LARGEST_ANSWER:
                return 0
            correlation, brokers = struct.unpack(">ii", _receive(connection, 8))
    except (OSError, struct.error):
        return 0
    return int(brokers) if correlation == 1 else 0


def _receive(connection: socket.socket, size: int) -> bytes:
    return connection.recv(size, socket.MSG_WAITALL)
